-- The hub's registry: a device with its twin is one row, so that admitting a device is one insert.

CREATE TABLE device (
    hub TEXT NOT NULL,
    id TEXT NOT NULL,
    generation TEXT NOT NULL,          -- another at every re-creation
    admission TEXT NOT NULL,           -- mark of the last admission; the first one's is its own creation
    created_by TEXT NOT NULL,          -- mark of the admission or request that created it
    etag BIGINT NOT NULL,              -- of the identity
    status TEXT NOT NULL,              -- 'enabled' | 'disabled'
    status_reason TEXT,
    status_updated BIGINT,             -- microseconds, as every instant
    authentication TEXT NOT NULL,      -- JSON, with keys
    iot_edge BIGINT NOT NULL,
    created BIGINT NOT NULL,
    model_id TEXT NOT NULL,
    twin_version BIGINT NOT NULL,      -- moves with every change of the twin; writes are conditional on it
    twin_etag BIGINT NOT NULL,         -- moves with tags and desired properties
    tags TEXT NOT NULL,                -- JSON, as the five below
    desired TEXT NOT NULL,
    desired_metadata TEXT NOT NULL,
    desired_version BIGINT NOT NULL,
    reported TEXT NOT NULL,
    reported_metadata TEXT NOT NULL,
    reported_version BIGINT NOT NULL,
    subscriptions TEXT,                -- of a persistent MQTT session; NULL: there is none
    session_seen BIGINT,               -- about when that session was last used
    PRIMARY KEY (hub, id)
);

-- Sessions are expired by age; most devices have one, but only their index is walked.
CREATE INDEX device_session_seen ON device (hub, session_seen) WHERE session_seen IS NOT NULL;

-- Counting devices by status reads this and not the rows with their twins.
CREATE INDEX device_status ON device (hub, status);
