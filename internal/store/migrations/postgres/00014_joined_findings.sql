-- +goose Up

-- A comment is about one or several findings.
ALTER TABLE comments DROP CONSTRAINT comments_pkey;
ALTER TABLE comments ADD PRIMARY KEY (repository, id, fingerprint);

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
DELETE FROM comments c WHERE EXISTS (
    SELECT 1 FROM comments o WHERE o.repository = c.repository AND o.id = c.id AND o.fingerprint < c.fingerprint);
ALTER TABLE comments DROP CONSTRAINT comments_pkey;
ALTER TABLE comments ADD PRIMARY KEY (repository, id);
