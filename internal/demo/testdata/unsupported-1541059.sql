-- A database of commit 1541059 (dump of SQLite; jobs and deliveries left out). acme/shop and its organisation have keys in their
-- files that nothing implemented.
BEGIN TRANSACTION;
CREATE TABLE account_names (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    login   TEXT   NOT NULL,
    since   BIGINT NOT NULL,
    PRIMARY KEY (account, since, login)
);
INSERT INTO "account_names" VALUES(4294967298,'acme',1796092303914593);
INSERT INTO "account_names" VALUES(4294967303,'dev',1796092304138855);
CREATE TABLE accounts (
    id    BIGINT PRIMARY KEY,
    login TEXT   NOT NULL,
    named BIGINT NOT NULL -- as of when login is known
);
INSERT INTO "accounts" VALUES(4294967298,'acme',1796092303948801);
INSERT INTO "accounts" VALUES(4294967303,'dev',1796092304138855);
CREATE TABLE begun (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    pull       BIGINT NOT NULL, -- number; 0 for a merge group
    sha        TEXT   NOT NULL,
    base       TEXT   NOT NULL, -- SHA
    at         BIGINT NOT NULL,
    PRIMARY KEY (repository, pull, sha)
);
CREATE TABLE checks (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    id         BIGINT NOT NULL,
    pull       BIGINT NOT NULL,
    sha        TEXT   NOT NULL,
    run        BIGINT REFERENCES runs (id) ON DELETE CASCADE, -- the latest; NULL if none was recorded
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (repository, id, pull)
);
INSERT INTO "checks" VALUES(4294967297,4294967307,1,'207b0b3801dfd825af6109dc2e0f193e805d51da',1,1796092304148957,1796092304148957);
CREATE TABLE clean_results (
    repository BIGINT NOT NULL,
    key        TEXT   NOT NULL, -- digest of scanner, rules, path, content and added lines
    used       BIGINT NOT NULL,
    PRIMARY KEY (repository, key)
);
CREATE TABLE comments (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    id          BIGINT NOT NULL,
    pull        BIGINT NOT NULL,
    fingerprint TEXT   NOT NULL,
    first_sha   TEXT   NOT NULL,
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    PRIMARY KEY (repository, id)
);
CREATE TABLE deliveries (
    guid           TEXT   NOT NULL,
    key            TEXT   NOT NULL,
    kind           TEXT   NOT NULL,
    installation   BIGINT NOT NULL,
    repository     BIGINT NOT NULL,
    first_received BIGINT NOT NULL,
    last_received  BIGINT NOT NULL,
    times          BIGINT NOT NULL,
    PRIMARY KEY (guid, key)
);
CREATE TABLE demotions (
    owner      TEXT   NOT NULL, -- in small letters
    rule       TEXT   NOT NULL,
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE, -- of the command that had it proposed
    said       TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (owner, rule)
);
CREATE TABLE exception_uses (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    exception   TEXT   NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_used   BIGINT, -- when a verdict last rested on it
    told_end    BIGINT, -- when its owner was told that it ends
    told_unused BIGINT, -- when its owner was told that nothing needs it
    PRIMARY KEY (repository, exception)
);
CREATE TABLE exceptions (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    asked       TEXT   NOT NULL,
    pull        BIGINT NOT NULL,
    fingerprint TEXT   NOT NULL,
    key_id      TEXT   NOT NULL,
    rule        TEXT   NOT NULL,
    paths       TEXT   NOT NULL, -- JSON: of all places of the finding
    reason      TEXT   NOT NULL,
    account     BIGINT NOT NULL,
    login       TEXT   NOT NULL, -- at that time
    at          BIGINT NOT NULL,
    until       BIGINT NOT NULL, -- the beginning of its last day
    approval    TEXT   NOT NULL DEFAULT '', -- the command that approved it
    approver    BIGINT NOT NULL DEFAULT 0,
    approver_login TEXT NOT NULL DEFAULT '',
    approved    BIGINT,
    withdrawal  TEXT   NOT NULL DEFAULT '', -- the command that ended it
    withdrawer  BIGINT NOT NULL DEFAULT 0,
    withdrawn   BIGINT,
    PRIMARY KEY (repository, asked)
);
CREATE TABLE feedback (
    repository  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    said        TEXT   NOT NULL,
    pull        BIGINT NOT NULL,
    fingerprint TEXT   NOT NULL,
    key_id      TEXT   NOT NULL,
    rule        TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    account     BIGINT NOT NULL,
    login       TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (repository, said)
);
CREATE TABLE findings (
    id          INTEGER PRIMARY KEY,
    repository  BIGINT  NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    key_id      TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    rule        TEXT    NOT NULL,
    severity    TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    first_seen  BIGINT  NOT NULL,
    first_shown BIGINT,
    last_seen   BIGINT  NOT NULL, grave BOOLEAN NOT NULL DEFAULT FALSE, former TEXT NOT NULL DEFAULT '',
    UNIQUE (repository, key_id, fingerprint)
);
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO "goose_db_version" VALUES(1,0,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(2,1,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(3,2,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(4,3,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(5,4,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(6,5,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(7,6,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(8,7,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(9,8,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(10,9,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(11,10,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(12,11,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(13,12,1,'2026-12-01 02:31:43');
INSERT INTO "goose_db_version" VALUES(14,13,1,'2026-12-01 02:31:43');
CREATE TABLE installations (
    id          BIGINT PRIMARY KEY,
    account     BIGINT NOT NULL, -- 0 if the event did not say
    installed   BIGINT,
    uninstalled BIGINT
);
INSERT INTO "installations" VALUES(4294967299,4294967298,1796092303914593,NULL);
CREATE TABLE inventories (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    sha        TEXT   NOT NULL,
    manifest   BIGINT NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    PRIMARY KEY (repository, sha, manifest)
);
CREATE TABLE keys (
    name    TEXT   PRIMARY KEY,
    value   BLOB   NOT NULL,
    created BIGINT NOT NULL
);
INSERT INTO "keys" VALUES('fingerprints',X'BBF6308291A4CF8F9D1DCF6E3A58FD38ABCBC39306BD167299AECC7D39D11798',1796092303786829);
CREATE TABLE manifests (
    id         INTEGER PRIMARY KEY,
    repository BIGINT  NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    path       TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    UNIQUE (repository, path, digest)
);
CREATE TABLE organisations (
    installation BIGINT NOT NULL,
    path         TEXT   NOT NULL,
    text         BLOB   NOT NULL,
    kept         BIGINT NOT NULL,
    PRIMARY KEY (installation, path)
);
INSERT INTO "organisations" VALUES(4294967299,'pullwarden.yml',X'76657273696F6E3A20310A636F6D6D656E743A206C6F770A666C6F6F72733A0A20207363616E6E6572733A205B736563726574732C20776F726B666C6F77735D0A75706772616465733A207B7363686564756C653A207765656B6C797D0A',1796092304060904);
INSERT INTO "organisations" VALUES(4294967299,'pullwarden-rules.toml',X'',1796092304065993);
CREATE TABLE packages (
    manifest  BIGINT  NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    position  BIGINT  NOT NULL,
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    line      BIGINT  NOT NULL,
    direct    BOOLEAN NOT NULL,
    dev       BOOLEAN NOT NULL,
    PRIMARY KEY (manifest, position)
);
CREATE TABLE policies (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest     TEXT   NOT NULL,
    text       BLOB   NOT NULL,
    first_kept BIGINT NOT NULL,
    last_kept  BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
INSERT INTO "policies" VALUES(4294967297,'a2c919c294a93e4ac25236357e5d7f6af75070f3853156e6491e50bfce2d07da',X'76657273696F6E3A20310A626C6F636B3A206C6F770A7363616E6E6572733A0A2020646570656E64656E636965733A207B656E61626C65643A20747275652C206C6963656E7365733A207B64656E793A205B4147504C2D332E302D6F6E6C795D2C20756E6B6E6F776E3A206E6F74657D2C206D696E5F72656C656173655F6167653A2033647D0A20206961633A207B736B69703A205B4157532D303038395D7D0A2020776F726B666C6F77733A207B656E61626C65643A2066616C73652C20736B69703A205B70696E5D7D0A75706772616465733A207B6F70656E3A20322C207363686564756C653A206461696C792C2067726F75703A205B27676F6C616E672E6F72672F782F2A275D2C206D696E5F72656C656173655F6167653A203336687D0A',1796092304062029,1796092304062029);
CREATE TABLE positions (
    name TEXT   PRIMARY KEY,
    at   BIGINT NOT NULL
);
INSERT INTO "positions" VALUES('lapses',1796092303909267);
INSERT INTO "positions" VALUES('reminders',1796092303912420);
CREATE TABLE pulls (
    repository BIGINT  NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    number     BIGINT  NOT NULL,
    id         BIGINT  NOT NULL,
    title      TEXT    NOT NULL,
    author     BIGINT  NOT NULL,
    base_ref   TEXT    NOT NULL,
    head_ref   TEXT    NOT NULL,
    head_sha   TEXT    NOT NULL,
    fork       BOOLEAN NOT NULL,
    draft      BOOLEAN NOT NULL,
    url        TEXT    NOT NULL,
    updated    BIGINT,
    first_seen BIGINT  NOT NULL,
    closed     BIGINT,
    merged     BIGINT, passed_over TEXT NOT NULL DEFAULT '', review_asked BIGINT, summary BIGINT, summary_digest TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (repository, number)
);
INSERT INTO "pulls" VALUES(4294967297,1,4294967304,'Change',4294967303,'main','topic-1','207b0b3801dfd825af6109dc2e0f193e805d51da',0,0,'http://127.0.0.1:34333/acme/shop/pull/1',1796092303000000,1796092304138855,NULL,NULL,'',NULL,NULL,'');
CREATE TABLE queue_items (
    key          TEXT   PRIMARY KEY,
    generation   BIGINT NOT NULL,            -- raised by every delivery
    state        TEXT   NOT NULL,            -- waiting, done, failed
    event        TEXT   NOT NULL,            -- JSON: the latest decoded event; never a webhook body
    since        BIGINT NOT NULL,            -- when it last began to wait
    attempts     BIGINT NOT NULL DEFAULT 0,  -- of this generation that ended in an error
    busy_until   BIGINT,                     -- the host asked not to be called before then
    reason       TEXT   NOT NULL DEFAULT '', -- of the latest error
    settled      BIGINT,                     -- when it became done or failed
    job          BIGINT,                     -- River's job that works on it
    installation BIGINT NOT NULL,
    repository   BIGINT NOT NULL
, crashes BIGINT NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '', lease_until BIGINT);
CREATE TABLE redeliveries (
    guid  TEXT   PRIMARY KEY,
    times BIGINT NOT NULL,
    asked BIGINT NOT NULL -- for the last time
);
CREATE TABLE repositories (
    id             BIGINT PRIMARY KEY,
    installation   BIGINT NOT NULL, -- the latest; 0 if it is not known
    owner          TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    named          BIGINT NOT NULL, -- as of when owner and name are known
    default_branch TEXT   NOT NULL,
    first_seen     BIGINT NOT NULL,
    served         BIGINT,          -- when an installation first covered it
    removed        BIGINT,          -- when the installation stopped to
    policy         TEXT             -- digest of the policy text that last was valid
);
INSERT INTO "repositories" VALUES(4294967297,4294967299,'acme','shop',1796092304148957,'main',1796092303914593,1796092303914593,NULL,'a2c919c294a93e4ac25236357e5d7f6af75070f3853156e6491e50bfce2d07da');
INSERT INTO "repositories" VALUES(4294967301,4294967299,'acme','.github',1796092303948801,'',1796092303948801,1796092303948801,NULL,NULL);
CREATE TABLE repository_names (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    owner      TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (repository, since, owner, name)
);
INSERT INTO "repository_names" VALUES(4294967297,'acme','shop',1796092303914593);
INSERT INTO "repository_names" VALUES(4294967301,'acme','.github',1796092303948801);
CREATE TABLE river_job (
    id integer PRIMARY KEY AUTOINCREMENT,
    args blob NOT NULL DEFAULT (jsonb('{}')),
    attempt integer NOT NULL DEFAULT 0,
    attempted_at timestamp,
    attempted_by blob, -- json
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    errors blob, -- json
    finalized_at timestamp,
    kind text NOT NULL,
    max_attempts integer NOT NULL DEFAULT 25,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    priority integer NOT NULL DEFAULT 1,
    queue text NOT NULL DEFAULT 'default',
    state text NOT NULL DEFAULT 'available',
    scheduled_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    tags blob NOT NULL DEFAULT (jsonb('[]')),
    unique_key blob,
    unique_states integer,
    CONSTRAINT finalized_or_finalized_at_null CHECK (
        (finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded')) OR
        (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))
    ),
    CONSTRAINT priority_in_range CHECK (priority >= 1 AND priority <= 4),
    CONSTRAINT queue_length CHECK (length(queue) > 0 AND length(queue) < 128),
    CONSTRAINT kind_length CHECK (length(kind) > 0 AND length(kind) < 128),
    CONSTRAINT state_valid CHECK (state IN ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'))
);
CREATE TABLE river_leader (
    elected_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    leader_id text NOT NULL,
    name text PRIMARY KEY NOT NULL DEFAULT 'default' CHECK (name = 'default'),
    CONSTRAINT name_length CHECK (length(name) > 0 AND length(name) < 128),
    CONSTRAINT leader_id_length CHECK (length(leader_id) > 0 AND length(leader_id) < 128)
);
CREATE TABLE river_migration (
    line text NOT NULL,
    version integer NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT line_length CHECK (length(line) > 0 AND length(line) < 128),
    CONSTRAINT version_gte_1 CHECK (version >= 1),
    PRIMARY KEY (line, version)
);
INSERT INTO "river_migration" VALUES('main',1,'2026-12-01 02:31:43');
INSERT INTO "river_migration" VALUES('main',2,'2026-12-01 02:31:43');
INSERT INTO "river_migration" VALUES('main',3,'2026-12-01 02:31:43');
INSERT INTO "river_migration" VALUES('main',4,'2026-12-01 02:31:43');
INSERT INTO "river_migration" VALUES('main',5,'2026-12-01 02:31:43');
INSERT INTO "river_migration" VALUES('main',6,'2026-12-01 02:31:43');
INSERT INTO "river_migration" VALUES('main',7,'2026-12-01 02:31:43');
INSERT INTO "river_migration" VALUES('main',8,'2026-12-01 02:31:43');
CREATE TABLE river_notification (
    id integer PRIMARY KEY AUTOINCREMENT,
    created_at timestamp NOT NULL DEFAULT (datetime('now', 'subsec')),
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (length(topic) > 0 AND length(topic) < 128)
);
CREATE TABLE river_queue (
    name text PRIMARY KEY NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    paused_at timestamp,
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE runs (
    id           INTEGER PRIMARY KEY,
    repository   BIGINT  NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    pull         BIGINT  NOT NULL, -- number; 0 for a merge group
    sha          TEXT    NOT NULL,
    base_ref     TEXT    NOT NULL,
    base_sha     TEXT    NOT NULL,
    merge_base   TEXT    NOT NULL,
    policy_hash  TEXT    NOT NULL,
    policy       TEXT    NOT NULL, -- JSON
    rules        TEXT    NOT NULL,
    advisories   TEXT    NOT NULL,
    key_id       TEXT    NOT NULL,
    result       TEXT    NOT NULL, -- JSON, without packages
    verdict      TEXT    NOT NULL, -- JSON
    digest       TEXT    NOT NULL, -- of verdict
    outcome      TEXT    NOT NULL,
    complete     BOOLEAN NOT NULL,
    previous_sha TEXT    NOT NULL,
    delta        TEXT    NOT NULL, -- JSON
    pushed       BIGINT,
    received     BIGINT,
    started      BIGINT,
    finished     BIGINT,
    shown        BIGINT            -- when it was first posted
, lapses BIGINT);
INSERT INTO "runs" VALUES(1,4294967297,1,'207b0b3801dfd825af6109dc2e0f193e805d51da','main','4ee627f038b27ae8d676cc8764465d888072249d','4ee627f038b27ae8d676cc8764465d888072249d','98dd2a9d12f924ee689250b0ef9531e2e6d8c76e10bb01be0b0ad7a2bce7d23e','{"Block":"low","Checks":"one","Comment":"low","Floors":{"Block":"never","Comment":"never","Exception":0,"KeepPaths":false,"Mode":"","NoMarkers":false,"OnScannerError":1,"Scanners":["secrets","workflows"]},"Hash":"98dd2a9d12f924ee689250b0ef9531e2e6d8c76e10bb01be0b0ad7a2bce7d23e","Ignore":null,"IgnorePaths":null,"Inline":10,"Mode":"enforce","OnScannerError":1,"Owners":{},"Raised":[{"Got":"true","Key":"scanners.workflows.enabled","Wanted":"false"},{"Got":"[]","Key":"scanners.workflows.skip","Wanted":"[pin]"}],"Scanners":{"dependencies":{"Enabled":true,"Licenses":{"Deny":["AGPL-3.0-only"],"Unknown":1},"MinReleaseAge":259200000000000,"Skip":null},"iac":{"Enabled":true,"Licenses":{"Deny":null,"Unknown":0},"MinReleaseAge":0,"Skip":["AWS-0089"]},"secrets":{"Enabled":true,"Licenses":{"Deny":null,"Unknown":0},"MinReleaseAge":0,"Skip":null},"text":{"Enabled":true,"Licenses":{"Deny":null,"Unknown":0},"MinReleaseAge":0,"Skip":null},"workflows":{"Enabled":true,"Licenses":{"Deny":null,"Unknown":0},"MinReleaseAge":0,"Skip":null}},"Sections":null,"Security":{"Request":false,"Reviewers":null},"Upgrades":{"Enabled":true,"Group":["golang.org/x/*"],"Labels":["dependencies"],"Major":false,"MinReleaseAge":129600000000000,"Open":2,"Schedule":"daily"}}','442095540f9ba5c9','d7f3d418aef9ef24f470e328338ed6ce','52732118','{"findings":[],"scanned":{"blobs":1,"commits":1,"of":1,"skipped":[]},"statuses":[{"scanner":"secret","took_ms":36},{"scanner":"dependency","took_ms":0},{"scanner":"iac","took_ms":0},{"scanner":"text","took_ms":0}]}','{"decisions":[],"outcome":"pass"}','8cab99b741cde1637dac08a5a7ba4ddf61b05574323fd73c628e82905a6d37de','pass',1,'','{"Previous":"","New":null,"Same":null,"Gone":null}',1796092303000000,1796092303997401,1796092304049243,1796092304138855,1796092304148957,NULL);
CREATE TABLE sightings (
    run        BIGINT  NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    finding    BIGINT  NOT NULL REFERENCES findings (id) ON DELETE CASCADE,
    severity   TEXT    NOT NULL,
    confidence TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    start_line BIGINT  NOT NULL,
    end_line   BIGINT  NOT NULL,
    introduced TEXT    NOT NULL, -- SHA of the commit that brought it in; '' if not known
    past       BOOLEAN NOT NULL,
    action     TEXT    NOT NULL,
    why        TEXT    NOT NULL,
    PRIMARY KEY (run, finding)
);
CREATE TABLE standings (
    finding     BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE,
    pull        BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    first_shown BIGINT,
    last_seen   BIGINT NOT NULL,
    fixed       BIGINT,                   -- NULL while it stands
    fixed_sha   TEXT   NOT NULL DEFAULT '',
    how         TEXT   NOT NULL DEFAULT '', action TEXT NOT NULL DEFAULT '', fixed_by BIGINT NOT NULL DEFAULT 0, excepted BIGINT, excepted_by TEXT NOT NULL DEFAULT '', exception TEXT NOT NULL DEFAULT '', -- changed, rejudged, unwatched, rekeyed, closed
    PRIMARY KEY (finding, pull)
);
CREATE TABLE upgrades (
    repository   BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    ecosystem    TEXT   NOT NULL,
    package      TEXT   NOT NULL,
    from_version TEXT   NOT NULL,
    to_version   TEXT   NOT NULL,
    pull         BIGINT NOT NULL, -- number of ours; 0 if none was opened
    why          TEXT   NOT NULL, -- none was opened
    advisories   TEXT   NOT NULL, -- JSON
    first_at     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    PRIMARY KEY (repository, ecosystem, package, from_version, to_version, pull, why)
);
CREATE INDEX queue_items_waiting ON queue_items (since) WHERE state = 'waiting';
CREATE INDEX queue_items_failed ON queue_items (settled) WHERE state = 'failed';
CREATE INDEX queue_items_installation ON queue_items (installation);
CREATE INDEX deliveries_installation ON deliveries (installation);
CREATE INDEX repositories_installation ON repositories (installation);
CREATE INDEX pulls_author ON pulls (author);
CREATE INDEX runs_pull ON runs (repository, pull, id);
CREATE INDEX runs_sha ON runs (repository, sha, pull, id);
CREATE INDEX standings_pull ON standings (pull);
CREATE INDEX sightings_finding ON sightings (finding);
CREATE INDEX packages_name ON packages (ecosystem, name, version);
CREATE INDEX inventories_manifest ON inventories (manifest);
CREATE INDEX comments_fingerprint ON comments (repository, pull, fingerprint);
CREATE INDEX clean_results_used ON clean_results (used);
CREATE INDEX begun_at ON begun (at);
CREATE INDEX redeliveries_asked ON redeliveries (asked);
CREATE INDEX queue_items_settled ON queue_items (settled) WHERE settled IS NOT NULL;
CREATE INDEX deliveries_received ON deliveries (last_received);
CREATE INDEX exceptions_finding ON exceptions (repository, fingerprint);
CREATE INDEX feedback_rule ON feedback (rule);
CREATE INDEX runs_lapses ON runs (lapses) WHERE lapses IS NOT NULL;
CREATE INDEX findings_rule ON findings (rule);
CREATE INDEX feedback_finding ON feedback (repository, fingerprint, key_id);
CREATE VIEW outcomes AS
SELECT f.id AS finding, f.repository, s.pull, f.rule, f.severity, s.action, s.first_seen, s.first_shown, p.merged,
    CASE WHEN n.at IS NOT NULL THEN 'not useful' WHEN s.how = 'changed' THEN 'fixed'
        WHEN s.excepted IS NOT NULL THEN 'excepted' ELSE s.how END AS how,
    CASE WHEN n.at IS NOT NULL THEN n.at WHEN s.how = 'changed' THEN s.fixed
        WHEN s.excepted IS NOT NULL THEN s.excepted ELSE s.fixed END AS ended,
    CASE WHEN n.at IS NOT NULL THEN n.account WHEN s.how = 'changed' THEN s.fixed_by
        WHEN s.excepted IS NOT NULL THEN COALESCE(e.account, 0) ELSE 0 END AS account,
    CASE WHEN s.how = 'changed' THEN s.fixed END AS fixed, CASE WHEN s.how <> 'changed' THEN s.fixed END AS gone,
    s.excepted, s.excepted_by, COALESCE(e.approver, 0) AS approver, e.approved
FROM standings s JOIN findings f ON f.id = s.finding
LEFT JOIN pulls p ON p.repository = f.repository AND p.number = s.pull
LEFT JOIN exceptions e ON e.repository = f.repository AND e.asked = s.exception
LEFT JOIN feedback n ON n.repository = f.repository AND n.said = (
    SELECT x.said FROM feedback x WHERE x.repository = f.repository AND x.fingerprint = f.fingerprint AND x.key_id = f.key_id
    ORDER BY x.at, x.said LIMIT 1);
CREATE INDEX river_notification_created_at_idx ON river_notification (created_at);
CREATE INDEX river_notification_topic_id_idx ON river_notification (topic, id);
CREATE INDEX river_job_kind ON river_job (kind);
CREATE INDEX river_job_state_and_finalized_at_index ON river_job (state, finalized_at) WHERE finalized_at IS NOT NULL;
CREATE INDEX river_job_prioritized_fetching_index ON river_job (state, queue, priority, scheduled_at, id);
CREATE UNIQUE INDEX river_job_unique_idx ON river_job (unique_key)
    WHERE unique_key IS NOT NULL
        AND unique_states IS NOT NULL
        AND CASE state
            WHEN 'available' THEN unique_states & (1 << 0)
            WHEN 'cancelled' THEN unique_states & (1 << 1)
            WHEN 'completed' THEN unique_states & (1 << 2)
            WHEN 'discarded' THEN unique_states & (1 << 3)
            WHEN 'pending'   THEN unique_states & (1 << 4)
            WHEN 'retryable' THEN unique_states & (1 << 5)
            WHEN 'running'   THEN unique_states & (1 << 6)
            WHEN 'scheduled' THEN unique_states & (1 << 7)
            ELSE 0
        END >= 1;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('goose_db_version',14);
INSERT INTO "sqlite_sequence" VALUES('river_job',3);
INSERT INTO "sqlite_sequence" VALUES('river_notification',3);
COMMIT;
