-- +goose Up
CREATE TABLE guests (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(64) NOT NULL);

-- +goose Down
DROP TABLE guests;
