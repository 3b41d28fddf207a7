-- +goose Up

-- Checks that were shown as under way and are not known to be completed.
CREATE TABLE begun (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    pull       BIGINT NOT NULL, -- number; 0 for a merge group
    sha        TEXT   NOT NULL,
    base       TEXT   NOT NULL, -- SHA
    at         BIGINT NOT NULL,
    PRIMARY KEY (repository, pull, sha)
);
CREATE INDEX begun_at ON begun (at);

-- Head that catching up leaves alone: it was there before the App came, or the
-- host has a completed check of ours on it that the ledger does not know.
ALTER TABLE pulls ADD COLUMN passed_over TEXT NOT NULL DEFAULT '';

-- How far something has come, in the host's time.
CREATE TABLE positions (
    name TEXT   PRIMARY KEY,
    at   BIGINT NOT NULL
);

-- Deliveries that were asked for again.
CREATE TABLE redeliveries (
    guid  TEXT   PRIMARY KEY,
    times BIGINT NOT NULL,
    asked BIGINT NOT NULL -- for the last time
);
CREATE INDEX redeliveries_asked ON redeliveries (asked);

-- +goose Down
DROP TABLE redeliveries;
DROP TABLE positions;
ALTER TABLE pulls DROP COLUMN passed_over;
DROP TABLE begun;
