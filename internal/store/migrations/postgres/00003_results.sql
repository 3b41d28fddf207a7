-- +goose Up

-- Additions that were looked at and had nothing wrong in them. A finding never
-- stands here. Rows of repositories that are gone age out with the others.
CREATE TABLE clean_results (
    repository BIGINT NOT NULL,
    key        TEXT   NOT NULL, -- digest of scanner, rules, path, content and added lines
    used       BIGINT NOT NULL,
    PRIMARY KEY (repository, key)
);
CREATE INDEX clean_results_used ON clean_results (used);

-- +goose Down
DROP TABLE clean_results;
