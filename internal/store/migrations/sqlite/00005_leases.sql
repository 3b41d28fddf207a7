-- +goose Up

-- Who works on the key, and until when that holds unless it is renewed. Only
-- where several processes share a database; '' is nobody.
ALTER TABLE queue_items ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE queue_items ADD COLUMN lease_until BIGINT;

-- +goose Down
ALTER TABLE queue_items DROP COLUMN lease_until;
ALTER TABLE queue_items DROP COLUMN owner;
