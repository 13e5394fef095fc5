-- +goose Up
CREATE TABLE projects (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  name VARCHAR(100) NOT NULL,
  summary VARCHAR(500) NOT NULL,
  url VARCHAR(500),
  year SMALLINT NOT NULL
);

-- +goose Down
DROP TABLE projects;
