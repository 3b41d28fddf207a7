-- +goose Up

-- An organisation proposes for itself: what others say of a rule is not its
-- business. What was proposed before is forgotten, and proposed again if it still holds.
DROP TABLE demotions;
CREATE TABLE demotions (
    owner      TEXT   NOT NULL, -- in small letters
    rule       TEXT   NOT NULL,
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE, -- of the command that had it proposed
    said       TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (owner, rule)
);

-- +goose Down
DROP TABLE demotions;
CREATE TABLE demotions (
    rule       TEXT   PRIMARY KEY,
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    said       TEXT   NOT NULL,
    at         BIGINT NOT NULL
);
