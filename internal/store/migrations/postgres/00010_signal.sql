-- +goose Up

-- What became of a finding on a pull request.
ALTER TABLE standings ADD COLUMN action TEXT NOT NULL DEFAULT '';      -- that was decided last
ALTER TABLE standings ADD COLUMN fixed_by BIGINT NOT NULL DEFAULT 0;   -- account, if a change fixed it: the author of the pull request
ALTER TABLE standings ADD COLUMN excepted BIGINT;                      -- since when an exception excuses it; NULL if none does
ALTER TABLE standings ADD COLUMN excepted_by TEXT NOT NULL DEFAULT ''; -- its owner, in its own words
ALTER TABLE standings ADD COLUMN exception TEXT NOT NULL DEFAULT '';   -- exceptions.asked; '' if it stands in a policy's file

-- No opinion makes a rule milder of which one finding is grave.
ALTER TABLE findings ADD COLUMN grave BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE findings SET grave = TRUE WHERE rule LIKE 'secret/%' OR rule LIKE 'dependency/MAL-%';

CREATE INDEX findings_rule ON findings (rule);
CREATE INDEX feedback_finding ON feedback (repository, fingerprint, key_id);

-- Rules that are proposed for demotion, by the command that had them proposed.
CREATE TABLE demotions (
    rule       TEXT   PRIMARY KEY,
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    said       TEXT   NOT NULL,
    at         BIGINT NOT NULL
);

-- The life of each finding on each pull request, and how it ended: not useful,
-- fixed, excepted, rejudged, unwatched, rekeyed, closed; '' if it did not.
-- docs/ledger.md explains it.
CREATE VIEW outcomes AS
SELECT f.id AS finding, f.repository, s.pull, f.rule, f.severity, s.action, s.first_seen, s.first_shown, p.merged,
    CASE WHEN n.at IS NOT NULL THEN 'not useful' WHEN s.how = 'changed' THEN 'fixed'
        WHEN s.excepted IS NOT NULL THEN 'excepted' ELSE s.how END AS how,
    CASE WHEN n.at IS NOT NULL THEN n.at WHEN s.how = 'changed' THEN s.fixed
        WHEN s.excepted IS NOT NULL THEN s.excepted ELSE s.fixed END AS ended,
    CASE WHEN n.at IS NOT NULL THEN n.account WHEN s.how = 'changed' THEN s.fixed_by
        WHEN s.excepted IS NOT NULL THEN COALESCE(e.account, 0) ELSE 0 END AS account,
    CASE WHEN s.how = 'changed' THEN s.fixed END AS fixed, CASE WHEN s.how <> 'changed' THEN s.fixed END AS gone,
    s.excepted, s.excepted_by, COALESCE(e.approver, 0) AS approver, e.approved
FROM standings s JOIN findings f ON f.id = s.finding
LEFT JOIN pulls p ON p.repository = f.repository AND p.number = s.pull
LEFT JOIN exceptions e ON e.repository = f.repository AND e.asked = s.exception
LEFT JOIN feedback n ON n.repository = f.repository AND n.said = (
    SELECT x.said FROM feedback x WHERE x.repository = f.repository AND x.fingerprint = f.fingerprint AND x.key_id = f.key_id
    ORDER BY x.at, x.said LIMIT 1);

-- +goose Down
DROP VIEW outcomes;
DROP TABLE demotions;
DROP INDEX feedback_finding;
DROP INDEX findings_rule;
ALTER TABLE findings DROP COLUMN grave;
ALTER TABLE standings DROP COLUMN exception;
ALTER TABLE standings DROP COLUMN excepted_by;
ALTER TABLE standings DROP COLUMN excepted;
ALTER TABLE standings DROP COLUMN fixed_by;
ALTER TABLE standings DROP COLUMN action;
