-- +goose Up

-- The file of each organisation that last was valid; an installation is one account's.
CREATE TABLE organisations (
    installation BIGINT PRIMARY KEY,
    policy       BYTEA NOT NULL,
    kept         BIGINT NOT NULL
);

-- +goose Down
DROP TABLE organisations;
