-- +goose Up

-- An organisation has several files: its policy, and rules for secrets.
ALTER TABLE organisations RENAME TO organisations_of_one;
CREATE TABLE organisations (
    installation BIGINT NOT NULL,
    path         TEXT   NOT NULL,
    text         BYTEA  NOT NULL,
    kept         BIGINT NOT NULL,
    PRIMARY KEY (installation, path)
);
INSERT INTO organisations (installation, path, text, kept) SELECT installation, 'pullwarden.yml', policy, kept FROM organisations_of_one;
DROP TABLE organisations_of_one;

-- +goose Down
CREATE TABLE organisations_of_one (
    installation BIGINT PRIMARY KEY,
    policy       BYTEA  NOT NULL,
    kept         BIGINT NOT NULL
);
INSERT INTO organisations_of_one (installation, policy, kept) SELECT installation, text, kept FROM organisations WHERE path = 'pullwarden.yml';
DROP TABLE organisations;
ALTER TABLE organisations_of_one RENAME TO organisations;
