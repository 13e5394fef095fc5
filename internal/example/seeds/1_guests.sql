-- What a pull request's environment shows in the guest book. Nobody real wrote any of it.
INSERT INTO guests (name, message) VALUES
  ('Ada', 'The first entry of this environment.'),
  ('Grace', 'Sign below: the rows are gone when the pull request is closed.'),
  ('Zoë', 'Umlauts and a snail 🐌 go through as well.');
