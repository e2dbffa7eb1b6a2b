-- The provisioning service: who may join, who did, and why not.

CREATE TABLE enrollment (
  kind       TEXT   NOT NULL, -- individual, group
  id         TEXT   NOT NULL, -- in lower case
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
  id         TEXT   NOT NULL PRIMARY KEY, -- the name in lower case
  name       TEXT   NOT NULL,
  etag       TEXT   NOT NULL,
  verified   BIGINT NOT NULL, -- 0: may be stored, anchors nothing
  der        TEXT   NOT NULL, -- base64
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL
);

CREATE TABLE registration (
  id         TEXT   NOT NULL PRIMARY KEY, -- in lower case
  enrollment TEXT   NOT NULL, -- kind and id: group/line-4
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
  seq          INTEGER NOT NULL PRIMARY KEY, -- in order of writing, so also of age
  id           TEXT    NOT NULL,             -- tracking id
  registration TEXT    NOT NULL,             -- in lower case
  at_us        BIGINT  NOT NULL,
  document     TEXT    NOT NULL              -- JSON
);
CREATE INDEX registration_trace_by_id ON registration_trace (id);
CREATE INDEX registration_trace_by_registration ON registration_trace (registration, seq);
