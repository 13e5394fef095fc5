-- +goose Up
INSERT INTO projects (name, summary, url, year) VALUES
  ('Tide table', 'High and low water for the next seven days, on one page that loads in a blink.', NULL, 2024),
  ('Field notes', 'A notebook for walks: it works without a signal and syncs when there is one.', NULL, 2025),
  ('This page', 'Pages, a Worker and a TiDB database, made and bound by one Pulumi program.', 'https://developers.cloudflare.com/pages/', 2026);

-- +goose Down
DELETE FROM projects;
