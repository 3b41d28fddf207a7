-- Repositories, pull requests and accounts are known by the host's numeric ids: names get reused.

-- +goose Up

-- What our own fingerprints and markers are keyed with.
CREATE TABLE keys (
    name    TEXT   PRIMARY KEY,
    value   BLOB   NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE accounts (
    id    BIGINT PRIMARY KEY,
    login TEXT   NOT NULL,
    named BIGINT NOT NULL -- as of when login is known
);

CREATE TABLE account_names (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    login   TEXT   NOT NULL,
    since   BIGINT NOT NULL,
    PRIMARY KEY (account, since, login)
);

CREATE TABLE installations (
    id          BIGINT PRIMARY KEY,
    account     BIGINT NOT NULL, -- 0 if the event did not say
    installed   BIGINT,
    uninstalled BIGINT
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
CREATE INDEX repositories_installation ON repositories (installation);

CREATE TABLE repository_names (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    owner      TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (repository, since, owner, name)
);

CREATE TABLE policies (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest     TEXT   NOT NULL,
    text       BLOB   NOT NULL,
    first_kept BIGINT NOT NULL,
    last_kept  BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);

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
    merged     BIGINT,
    PRIMARY KEY (repository, number)
);
CREATE INDEX pulls_author ON pulls (author);

-- One judged scan, with every input of the judgement.
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
);
CREATE INDEX runs_pull ON runs (repository, pull, id);
CREATE INDEX runs_sha ON runs (repository, sha, pull, id);

-- A finding of one repository. Its fingerprint means something only with the key that made it.
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
    last_seen   BIGINT  NOT NULL,
    UNIQUE (repository, key_id, fingerprint)
);

-- The life of a finding on one pull request.
CREATE TABLE standings (
    finding     BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE,
    pull        BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    first_shown BIGINT,
    last_seen   BIGINT NOT NULL,
    fixed       BIGINT,                   -- NULL while it stands
    fixed_sha   TEXT   NOT NULL DEFAULT '',
    how         TEXT   NOT NULL DEFAULT '', -- changed, rejudged, unwatched, rekeyed, closed
    PRIMARY KEY (finding, pull)
);
CREATE INDEX standings_pull ON standings (pull);

-- A finding as one run saw it and what was decided about it.
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
CREATE INDEX sightings_finding ON sightings (finding);

-- A manifest's packages are kept once for all heads on which they are the same.
CREATE TABLE manifests (
    id         INTEGER PRIMARY KEY,
    repository BIGINT  NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    path       TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    UNIQUE (repository, path, digest)
);

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
CREATE INDEX packages_name ON packages (ecosystem, name, version);

CREATE TABLE inventories (
    repository BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    sha        TEXT   NOT NULL,
    manifest   BIGINT NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    PRIMARY KEY (repository, sha, manifest)
);
CREATE INDEX inventories_manifest ON inventories (manifest);

-- What runs were shown as, by the host's ids.
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
CREATE INDEX comments_fingerprint ON comments (repository, pull, fingerprint);

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

-- +goose Down
DROP TABLE upgrades;
DROP TABLE comments;
DROP TABLE checks;
DROP TABLE inventories;
DROP TABLE packages;
DROP TABLE manifests;
DROP TABLE sightings;
DROP TABLE standings;
DROP TABLE findings;
DROP TABLE runs;
DROP TABLE pulls;
DROP TABLE policies;
DROP TABLE repository_names;
DROP TABLE repositories;
DROP TABLE installations;
DROP TABLE account_names;
DROP TABLE accounts;
DROP TABLE keys;
