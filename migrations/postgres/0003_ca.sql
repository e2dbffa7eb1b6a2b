-- The certificate authority. A section a concept; instants are microseconds, certificates base64 of the DER.

-- hierarchy: the authorities
CREATE TABLE ca_authority (
    id TEXT NOT NULL PRIMARY KEY,
    parent TEXT,                       -- NULL: a root
    state TEXT NOT NULL,               -- 'pending' | 'active' | 'retiring' | 'crl-only' | 'revoked'
    key TEXT,                          -- where its private key is; NULL: elsewhere, it is only trusted
    certificate TEXT,                  -- NULL while pending
    request TEXT,                      -- base64 of the PKCS#10 that is signed elsewhere
    generation BIGINT NOT NULL,        -- how many certificates it has had
    crl_shards BIGINT NOT NULL,
    path_len BIGINT,                   -- how many authorities may stand between it and a leaf; NULL: a root
    renewal TEXT NOT NULL,             -- 'automatic' | 'by-hand'
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL            -- when its state or certificate last did
);

-- log: the head of both logs, the transparency log's tree and what is in it, and what was signed of them
CREATE TABLE ca_head (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    entries BIGINT NOT NULL,           -- in the audit log; who appends must have seen the latest
    hash TEXT NOT NULL,                -- hex, of the last one
    certificates BIGINT NOT NULL       -- in the transparency log
);
INSERT INTO ca_head (one, entries, hash, certificates)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0);

CREATE TABLE ca_log_certificate (
    log_index BIGINT NOT NULL PRIMARY KEY,
    certificate TEXT NOT NULL          -- the only place where its bytes are
);

CREATE TABLE ca_log_tile (
    level BIGINT NOT NULL,             -- the hashes in it are roots of 256 ^ level leaves
    tile BIGINT NOT NULL,
    hashes BYTEA NOT NULL,              -- 32 bytes each, 256 at most
    PRIMARY KEY (level, tile)
);
ALTER TABLE ca_log_tile ALTER COLUMN hashes SET STORAGE EXTERNAL; -- hashes do not compress

CREATE TABLE ca_log_checkpoint (
    entries BIGINT NOT NULL PRIMARY KEY, -- in the audit log by then
    certificates BIGINT NOT NULL,      -- in the transparency log by then
    signed BIGINT NOT NULL,            -- when
    log_note TEXT NOT NULL,            -- C2SP signed notes
    audit_note TEXT NOT NULL
);

CREATE TABLE ca_log_key (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    origin TEXT NOT NULL,              -- what the log calls itself, for good
    key TEXT NOT NULL,                 -- where its private key is
    public TEXT NOT NULL               -- base64, so that another key is noticed
);

-- audit: every decision, chained by hashes
CREATE TABLE ca_audit_entry (
    sequence BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    credential TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    count BIGINT NOT NULL,             -- how many alike it stands for
    request_sha256 TEXT,               -- hex, as the hashes below
    certificate_sha256 TEXT,
    log_index BIGINT,                  -- where its certificate is in the transparency log
    previous TEXT NOT NULL,            -- the hash of the entry before
    hash TEXT NOT NULL
);

-- issuance: every certificate, from before it is signed
CREATE TABLE ca_certificate (
    authority TEXT NOT NULL,           -- who signs it
    serial TEXT NOT NULL,              -- hex of 16 octets
    state TEXT NOT NULL,               -- 'recorded' | 'issued' | 'abandoned': never signed, its serial never used again
    profile TEXT NOT NULL,
    version BIGINT NOT NULL,           -- of the profile
    subject TEXT NOT NULL,             -- RFC 4514
    common_name TEXT,
    spki TEXT NOT NULL,                -- hex of the first half of the SHA-256 of its public key
    holder TEXT,                       -- whose it is
    generation TEXT,                   -- of the holder: stands in the certificate
    caller TEXT NOT NULL,              -- who asked, by which credential
    idempotency TEXT,                  -- the caller's name for the request
    quota TEXT,                        -- the grant whose quota it counts against
    not_after BIGINT NOT NULL,
    recorded BIGINT NOT NULL,
    tbs TEXT,                          -- base64 of what is to be signed, until it is
    log_index BIGINT UNIQUE,           -- where its bytes are (ca_log_certificate)
    sequence BIGINT,                   -- of its audit entry
    PRIMARY KEY (authority, serial)
);
CREATE UNIQUE INDEX ca_certificate_idempotency ON ca_certificate (caller, idempotency) WHERE idempotency IS NOT NULL;
CREATE INDEX ca_certificate_spki ON ca_certificate (spki, holder) WHERE holder IS NOT NULL AND state <> 'abandoned';
CREATE INDEX ca_certificate_holder ON ca_certificate (holder, log_index) WHERE holder IS NOT NULL;
CREATE INDEX ca_certificate_quota ON ca_certificate (quota, recorded) WHERE quota IS NOT NULL;
CREATE INDEX ca_certificate_unsigned ON ca_certificate (recorded) WHERE state = 'recorded';

CREATE TABLE ca_blocked_key (
    spki TEXT NOT NULL PRIMARY KEY,    -- as in ca_certificate
    reason TEXT NOT NULL,
    created BIGINT NOT NULL
);

-- profile: versions after the built-in ones; nothing is changed, only followed
CREATE TABLE ca_profile (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    source TEXT NOT NULL,              -- TOML; empty: from here on the profile is no more
    created BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

-- caller: who may ask for what
CREATE TABLE ca_grant (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,                -- JSON
    changed BIGINT NOT NULL
);

-- revocation: what is revoked, for good; only that no reason was given may change
CREATE TABLE ca_revocation (
    authority TEXT NOT NULL,
    serial TEXT NOT NULL,              -- as in ca_certificate
    reason BIGINT NOT NULL,            -- CRLReason (RFC 5280 section 5.3.1)
    at BIGINT NOT NULL,
    sequence BIGINT,                   -- of its audit entry; NULL: an authority's certificate, revoked with it
    PRIMARY KEY (authority, serial)
);

CREATE TABLE ca_revoked_holder (
    holder TEXT NOT NULL,
    number BIGINT NOT NULL,            -- the how many-th time, from 1
    generation TEXT NOT NULL,          -- the next one of the holder: all before are revoked
    reason BIGINT NOT NULL,
    at BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (holder, number)
);

CREATE TABLE ca_bar (
    holder TEXT NOT NULL PRIMARY KEY,  -- gets nothing more, until it is readmitted
    reason BIGINT NOT NULL,
    at BIGINT NOT NULL,
    sequence BIGINT NOT NULL
);

CREATE TABLE ca_revoked_authority (
    authority TEXT NOT NULL PRIMARY KEY,
    reason BIGINT NOT NULL,
    at BIGINT NOT NULL
);

-- crl: what was signed; the lists themselves follow from what is revoked
CREATE TABLE ca_crl (
    authority TEXT NOT NULL,
    shard BIGINT NOT NULL,
    number BIGINT NOT NULL,            -- the highest that anything may have been signed with
    signed BIGINT,                     -- the number of what is published; NULL: nothing yet
    this_update BIGINT,
    sha256 TEXT,                       -- hex, of all but the signature
    signature TEXT,                    -- hex
    PRIMARY KEY (authority, shard)
);

CREATE TABLE ca_crl_place (
    base TEXT NOT NULL PRIMARY KEY,    -- where they are fetched, or were, when certificates were issued that say so
    since BIGINT NOT NULL
);

-- ocsp: who answers for an authority
CREATE TABLE ca_responder (
    authority TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,            -- the how many-th it is
    key TEXT NOT NULL,                 -- where its private key is
    certificate TEXT NOT NULL
);

-- est: labels, and who may ask there
CREATE TABLE ca_est_label (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,                -- JSON
    changed BIGINT NOT NULL
);

CREATE TABLE ca_est_credential (
    id TEXT NOT NULL PRIMARY KEY,      -- the user
    label TEXT NOT NULL,
    kind TEXT NOT NULL,                -- 'basic' | 'one-time'
    secret TEXT NOT NULL,              -- hex of the SHA-256 of 256 random bits as they are written
    names TEXT NOT NULL,               -- JSON: patterns
    count BIGINT,                      -- how many certificates in all
    until BIGINT,
    created BIGINT NOT NULL
);
CREATE INDEX ca_est_credential_label ON ca_est_credential (label);

CREATE TABLE ca_est_request (
    id TEXT NOT NULL PRIMARY KEY,      -- of caller, label and key
    label TEXT NOT NULL,
    caller TEXT NOT NULL,
    subject TEXT NOT NULL,             -- RFC 4514, as asked for
    csr TEXT NOT NULL,                 -- base64
    state TEXT NOT NULL,               -- 'pending' | 'approved' | 'denied'
    created BIGINT NOT NULL
);
CREATE INDEX ca_est_request_state ON ca_est_request (state, created);
