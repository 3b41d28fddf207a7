-- +goose Up

-- A comment is about one or several findings.
ALTER TABLE comments RENAME TO comments_of_one;
CREATE TABLE comments (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    id          BIGINT NOT NULL,
    pull        BIGINT NOT NULL,
    fingerprint TEXT   NOT NULL,
    first_sha   TEXT   NOT NULL,
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    PRIMARY KEY (repository, id, fingerprint)
);
INSERT INTO comments (repository, id, pull, fingerprint, first_sha, first_at, last_at) SELECT repository, id, pull, fingerprint, first_sha, first_at, last_at FROM comments_of_one;
DROP TABLE comments_of_one;
CREATE INDEX comments_fingerprint ON comments (repository, pull, fingerprint);

-- The fingerprints that a finding had before: made by another key, or of one of
-- several findings that it became one of. People may still name it by them.
CREATE TABLE former_fingerprints (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    fingerprint TEXT   NOT NULL,
    finding     BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE, -- as it is called now
    PRIMARY KEY (repository, fingerprint)
);
CREATE INDEX former_fingerprints_finding ON former_fingerprints (finding);
INSERT INTO former_fingerprints (repository, fingerprint, finding)
    SELECT repository, former, MAX(id) FROM findings WHERE former <> '' GROUP BY repository, former;
ALTER TABLE findings DROP COLUMN former;

-- The advisories that a finding had when the exception was asked for; JSON.
ALTER TABLE exceptions ADD COLUMN advisories TEXT NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE exceptions DROP COLUMN advisories;
ALTER TABLE findings ADD COLUMN former TEXT NOT NULL DEFAULT '';
UPDATE findings SET former = COALESCE((SELECT MAX(x.fingerprint) FROM former_fingerprints x WHERE x.finding = findings.id), '');
DROP TABLE former_fingerprints;
CREATE TABLE comments_of_one (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    id          BIGINT NOT NULL,
    pull        BIGINT NOT NULL,
    fingerprint TEXT   NOT NULL,
    first_sha   TEXT   NOT NULL,
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    PRIMARY KEY (repository, id)
);
INSERT INTO comments_of_one (repository, id, pull, fingerprint, first_sha, first_at, last_at) SELECT repository, id, pull, fingerprint, first_sha, first_at, last_at FROM comments WHERE TRUE ON CONFLICT DO NOTHING;
DROP TABLE comments;
ALTER TABLE comments_of_one RENAME TO comments;
CREATE INDEX comments_fingerprint ON comments (repository, pull, fingerprint);
