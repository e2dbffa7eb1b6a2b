-- The provisioning service: who may join, who did, and why not.

CREATE TABLE enrollment (
  kind       TEXT   NOT NULL, -- individual, group
  id         TEXT COLLATE "C" NOT NULL, -- in lower case
  etag       TEXT   NOT NULL, -- without quotes
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  document   TEXT   NOT NULL, -- JSON, with keys and certificates
  PRIMARY KEY (kind, id)
);

-- What a change of groups or certificates counts up, so that every node knows when its copy is old.
CREATE TABLE enrollment_generation (
  one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  n   BIGINT NOT NULL
);
INSERT INTO enrollment_generation (one, n) VALUES (1, 0);

CREATE TABLE instance_certificate (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- the name in lower case
  name       TEXT   NOT NULL,
  etag       TEXT   NOT NULL,
  standing   TEXT   NOT NULL, -- 'unverified': anchors nothing | 'verified' | 'intermediate': completes chains
  der        TEXT   NOT NULL, -- base64
  crl_check  TEXT   NOT NULL, -- 'bestEffort' | 'require'
  code       TEXT,            -- to show possession of its key with; NULL: none, or used
  code_expires_us BIGINT,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL
);

-- Where the revocation lists of stored certificates are published, and the last one that came from there.
CREATE TABLE external_crl (
  certificate TEXT   NOT NULL, -- whose: the name in lower case
  url         TEXT   NOT NULL,
  key         TEXT   NOT NULL, -- SHA-256 of the public key that signs them, hex
  due_us      BIGINT NOT NULL, -- when it is fetched again
  failures    BIGINT NOT NULL, -- in a row
  problem     TEXT,            -- why nothing came the last time
  tried_us    BIGINT,
  fetched_us  BIGINT,
  number      TEXT COLLATE "C",            -- 40 hex digits, sorts like the number; NULL: nothing came yet
  this_update_us BIGINT,
  der         BYTEA,
  PRIMARY KEY (certificate, url)
);
CREATE INDEX external_crl_due ON external_crl (due_us);

CREATE TABLE registration (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- in lower case
  enrollment TEXT COLLATE "C" NOT NULL, -- kind and id: group/line-4
  version    BIGINT NOT NULL, -- counts writes: whoever decided on an older one decides again
  operation  TEXT   NOT NULL, -- the latest; only its worker may end it
  pending    BIGINT NOT NULL, -- 1 while something is left to do at a hub
  updated_us BIGINT NOT NULL,
  document   TEXT   NOT NULL, -- JSON: state and what is true in it
  payload    TEXT             -- JSON: what the device sent along with the latest operation
);
CREATE INDEX registration_by_enrollment ON registration (enrollment, id);
CREATE INDEX registration_pending ON registration (id) WHERE pending = 1;

CREATE TABLE registration_trace (
  seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- in order of writing, so also of age
  id           TEXT    NOT NULL,             -- tracking id
  registration TEXT    NOT NULL,             -- in lower case
  at_us        BIGINT  NOT NULL,
  document     TEXT    NOT NULL              -- JSON
);
CREATE INDEX registration_trace_by_id ON registration_trace (id);
CREATE INDEX registration_trace_by_registration ON registration_trace (registration, seq);
