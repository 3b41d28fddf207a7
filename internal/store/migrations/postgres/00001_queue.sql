-- Times are microseconds since 1970, UTC; NULL means that it is not known or has not happened.

-- +goose Up

-- What is wanted of each key. One row a key, one job at most.
CREATE TABLE queue_items (
    key          TEXT   PRIMARY KEY,
    generation   BIGINT NOT NULL,            -- raised by every delivery
    state        TEXT   NOT NULL,            -- waiting, done, failed
    event        TEXT   NOT NULL,            -- JSON: the latest decoded event; never a webhook body
    since        BIGINT NOT NULL,            -- when it last began to wait
    attempts     BIGINT NOT NULL DEFAULT 0,  -- of this generation that ended in an error
    busy_until   BIGINT,                     -- the host asked not to be called before then
    reason       TEXT   NOT NULL DEFAULT '', -- of the latest error
    settled      BIGINT,                     -- when it became done or failed
    job          BIGINT,                     -- River's job that works on it
    installation BIGINT NOT NULL,
    repository   BIGINT NOT NULL
);
CREATE INDEX queue_items_waiting ON queue_items (since) WHERE state = 'waiting';
CREATE INDEX queue_items_failed ON queue_items (settled) WHERE state = 'failed';
CREATE INDEX queue_items_installation ON queue_items (installation);

-- Deliveries are recorded, not filtered: a redelivery has the same guid.
CREATE TABLE deliveries (
    guid           TEXT   NOT NULL,
    key            TEXT   NOT NULL,
    kind           TEXT   NOT NULL,
    installation   BIGINT NOT NULL,
    repository     BIGINT NOT NULL,
    first_received BIGINT NOT NULL,
    last_received  BIGINT NOT NULL,
    times          BIGINT NOT NULL,
    PRIMARY KEY (guid, key)
);
CREATE INDEX deliveries_installation ON deliveries (installation);

-- +goose Down
DROP TABLE deliveries;
DROP TABLE queue_items;
