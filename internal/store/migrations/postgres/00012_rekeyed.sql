-- +goose Up

-- The fingerprint that the key before the present one made: people may still
-- name a finding by it.
ALTER TABLE findings ADD COLUMN former TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE findings DROP COLUMN former;
