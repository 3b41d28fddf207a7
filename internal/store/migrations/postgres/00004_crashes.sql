-- +goose Up

-- How often the process ended while it worked on this generation.
ALTER TABLE queue_items ADD COLUMN crashes BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE queue_items DROP COLUMN crashes;
