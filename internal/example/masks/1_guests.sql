-- Who signed, and what they wrote, is nobody's business in a pull request. The number of
-- entries, their times and their lengths stay, so that pages and queries behave as they do.
UPDATE guests SET name = CONCAT('Guest ', id), message = REPEAT('x', CHAR_LENGTH(message));
