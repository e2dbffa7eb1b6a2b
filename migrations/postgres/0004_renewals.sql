-- How the server of a revocation list tells whether it has another one, as it sent them.
ALTER TABLE external_crl ADD COLUMN etag TEXT;
ALTER TABLE external_crl ADD COLUMN last_modified TEXT;

-- Devices whose twins are to say when their newest certificate is to be renewed.
CREATE TABLE reminder (
  id       TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- of the registration
  mark     TEXT   NOT NULL, -- another one each time that there is something new to remind it of
  failures BIGINT NOT NULL, -- in a row
  due_us   BIGINT NOT NULL
);
CREATE INDEX reminder_due ON reminder (due_us, id);

-- How far the authority's log was looked through for them.
CREATE TABLE reminder_place (
  one  BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  next BIGINT NOT NULL -- log index
);
INSERT INTO reminder_place (one, next) VALUES (1, 0);

-- A certificate is proved by its hash, whoever signed it.
CREATE INDEX ca_audit_entry_certificate ON ca_audit_entry (certificate_sha256) WHERE log_index IS NOT NULL;
