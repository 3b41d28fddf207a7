-- +goose Up

-- What is old is found without reading all.
CREATE INDEX queue_items_settled ON queue_items (settled) WHERE settled IS NOT NULL;
CREATE INDEX deliveries_received ON deliveries (last_received);

-- +goose Down
DROP INDEX deliveries_received;
DROP INDEX queue_items_settled;
