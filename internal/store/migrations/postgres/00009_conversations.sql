-- +goose Up

-- Exceptions that people asked for in comments, by the command that asked.
CREATE TABLE exceptions (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    asked       TEXT   NOT NULL,
    pull        BIGINT NOT NULL,
    fingerprint TEXT   NOT NULL,
    key_id      TEXT   NOT NULL,
    rule        TEXT   NOT NULL,
    paths       TEXT   NOT NULL, -- JSON: of all places of the finding
    reason      TEXT   NOT NULL,
    account     BIGINT NOT NULL,
    login       TEXT   NOT NULL, -- at that time
    at          BIGINT NOT NULL,
    until       BIGINT NOT NULL, -- the beginning of its last day
    approval    TEXT   NOT NULL DEFAULT '', -- the command that approved it
    approver    BIGINT NOT NULL DEFAULT 0,
    approver_login TEXT NOT NULL DEFAULT '',
    approved    BIGINT,
    withdrawal  TEXT   NOT NULL DEFAULT '', -- the command that ended it
    withdrawer  BIGINT NOT NULL DEFAULT 0,
    withdrawn   BIGINT,
    PRIMARY KEY (repository, asked)
);
CREATE INDEX exceptions_finding ON exceptions (repository, fingerprint);

-- What people said of findings.
CREATE TABLE feedback (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    said        TEXT   NOT NULL,
    pull        BIGINT NOT NULL,
    fingerprint TEXT   NOT NULL,
    key_id      TEXT   NOT NULL,
    rule        TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    account     BIGINT NOT NULL,
    login       TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (repository, said)
);
CREATE INDEX feedback_rule ON feedback (rule);

-- When the first of the exceptions that counted in a run ends; NULL if none did.
ALTER TABLE runs ADD COLUMN lapses BIGINT;
CREATE INDEX runs_lapses ON runs (lapses) WHERE lapses IS NOT NULL;

-- The exceptions of policies and conversations, by policy.Exception.ID, and
-- what was told of them.
CREATE TABLE exception_uses (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    exception   TEXT   NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_used   BIGINT, -- when a verdict last rested on it
    told_end    BIGINT, -- when its owner was told that it ends
    told_unused BIGINT, -- when its owner was told that nothing needs it
    PRIMARY KEY (repository, exception)
);

-- When the security reviewers were asked to look at it; NULL if they were not.
ALTER TABLE pulls ADD COLUMN review_asked BIGINT;

-- Our comment in its conversation: the host's id, 0 if it is not known to be
-- posted, NULL if there was none; and what it says.
ALTER TABLE pulls ADD COLUMN summary BIGINT;
ALTER TABLE pulls ADD COLUMN summary_digest TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE pulls DROP COLUMN summary_digest;
ALTER TABLE pulls DROP COLUMN summary;
DROP TABLE exception_uses;
ALTER TABLE pulls DROP COLUMN review_asked;
DROP INDEX runs_lapses;
ALTER TABLE runs DROP COLUMN lapses;
DROP TABLE feedback;
DROP TABLE exceptions;
