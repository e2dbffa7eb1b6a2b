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
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL            -- when its state or certificate last did
);
