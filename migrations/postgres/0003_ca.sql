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
