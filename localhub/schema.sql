-- The whole state of one local GitHub. Times are ISO 8601 text in UTC ("2026-05-01T09:30:00Z"), flags are 0 or 1,
-- columns ending in _json hold JSON text. An issue and a pull request share one row in issues, as on GitHub; the
-- pull request's own columns are in pulls.

CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE COLLATE NOCASE,
    type TEXT NOT NULL CHECK (type IN ('User', 'Organization', 'Bot')),
    name TEXT NOT NULL,
    email TEXT,
    owner_id INTEGER REFERENCES accounts (id),      -- who owns an organization
    created_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS apps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    external_url TEXT NOT NULL,
    owner_id INTEGER NOT NULL REFERENCES accounts (id),
    bot_id INTEGER NOT NULL REFERENCES accounts (id),
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    webhook_url TEXT,
    webhook_secret TEXT,
    private_key TEXT NOT NULL,
    permissions_json TEXT NOT NULL,
    events_json TEXT NOT NULL,
    manifest_code TEXT UNIQUE,                      -- waits for its one conversion
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS installations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id INTEGER NOT NULL REFERENCES apps (id),
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    repository_selection TEXT NOT NULL DEFAULT 'all' CHECK (repository_selection IN ('all', 'selected')),
    permissions_json TEXT NOT NULL,
    events_json TEXT NOT NULL,
    suspended_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (app_id, account_id)
);
CREATE TABLE IF NOT EXISTS installation_repos (
    installation_id INTEGER NOT NULL REFERENCES installations (id) ON DELETE CASCADE,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    PRIMARY KEY (installation_id, repo_id)
);

CREATE TABLE IF NOT EXISTS tokens (
    digest TEXT PRIMARY KEY,                        -- sha256 of the token
    account_id INTEGER REFERENCES accounts (id) ON DELETE CASCADE,          -- personal token
    installation_id INTEGER REFERENCES installations (id) ON DELETE CASCADE,
    permissions_json TEXT,                          -- of an installation token
    repo_ids_json TEXT,                             -- null: every repository of the installation
    expires_at REAL,                                -- seconds since the epoch
    created_at TEXT NOT NULL
);

-- Where an App lets people be sent back to after they signed in.
CREATE TABLE IF NOT EXISTS callback_urls (
    app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    PRIMARY KEY (app_id, url)
);
-- What a person's consent is worth: a code for the browser to carry back, once, and the token that comes of it.
CREATE TABLE IF NOT EXISTS user_codes (
    digest TEXT PRIMARY KEY,                        -- sha256 of the code
    app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,                        -- PKCE, S256; empty without
    expires_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS user_tokens (
    digest TEXT PRIMARY KEY,
    app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS repos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL COLLATE NOCASE,
    description TEXT,
    homepage TEXT,
    private INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    has_issues INTEGER NOT NULL DEFAULT 1,
    default_branch TEXT NOT NULL DEFAULT 'main',
    parent_id INTEGER REFERENCES repos (id),        -- of a fork
    last_number INTEGER NOT NULL DEFAULT 0,         -- of its issues and pull requests
    pushed_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (owner_id, name)
);
CREATE TABLE IF NOT EXISTS old_names (              -- for 301 after a rename
    owner_id INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    PRIMARY KEY (owner_id, name)
);
CREATE TABLE IF NOT EXISTS collaborators (
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    role TEXT NOT NULL CHECK (role IN ('read', 'triage', 'write', 'maintain', 'admin')),
    PRIMARY KEY (repo_id, account_id)
);
CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    color TEXT NOT NULL DEFAULT 'ededed',
    description TEXT,
    is_default INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repo_id, name)
);

CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    is_pull INTEGER NOT NULL DEFAULT 0,
    title TEXT NOT NULL,
    body TEXT,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    state_reason TEXT,
    locked INTEGER NOT NULL DEFAULT 0,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    app_id INTEGER REFERENCES apps (id),            -- performed_via_github_app
    closed_by_id INTEGER REFERENCES accounts (id),
    closed_at TEXT,
    last_edited_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (repo_id, number)
);
CREATE TABLE IF NOT EXISTS issue_labels (
    issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    label_id INTEGER NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
    PRIMARY KEY (issue_id, label_id)
);
CREATE TABLE IF NOT EXISTS issue_assignees (
    issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (issue_id, account_id)
);
CREATE TABLE IF NOT EXISTS comments (               -- on an issue or on a pull request's conversation
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    app_id INTEGER REFERENCES apps (id),
    minimized_reason TEXT,
    last_edited_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS comments_issue ON comments (issue_id, id);

CREATE TABLE IF NOT EXISTS discussions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,                        -- counted with issues and pull requests
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    category TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (repo_id, number)
);
CREATE TABLE IF NOT EXISTS discussion_comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    discussion_id INTEGER NOT NULL REFERENCES discussions (id) ON DELETE CASCADE,
    parent_id INTEGER REFERENCES discussion_comments (id),
    body TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    last_edited_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS reactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL CHECK (subject IN ('issue', 'comment', 'review_comment')),
    subject_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    content TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (subject, subject_id, user_id, content)
);

CREATE TABLE IF NOT EXISTS pulls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issue_id INTEGER NOT NULL UNIQUE REFERENCES issues (id) ON DELETE CASCADE,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    head_repo_id INTEGER REFERENCES repos (id) ON DELETE SET NULL,
    head_owner TEXT NOT NULL,
    head_ref TEXT NOT NULL,                         -- a branch's name, without refs/heads/
    head_sha TEXT NOT NULL,
    base_ref TEXT NOT NULL,
    base_sha TEXT NOT NULL,
    merge_base_sha TEXT NOT NULL,                   -- the diff of the pull request is merge_base_sha..head_sha
    draft INTEGER NOT NULL DEFAULT 0,
    maintainer_can_modify INTEGER NOT NULL DEFAULT 0,
    mergeable INTEGER,                              -- null: not known
    merge_commit_sha TEXT,                          -- the test merge while open
    merged_at TEXT,
    merged_by_id INTEGER REFERENCES accounts (id),
    commits INTEGER NOT NULL DEFAULT 0,
    additions INTEGER NOT NULL DEFAULT 0,
    deletions INTEGER NOT NULL DEFAULT 0,
    changed_files INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repo_id, number)
);
CREATE INDEX IF NOT EXISTS pulls_head ON pulls (repo_id, head_ref);
CREATE TABLE IF NOT EXISTS requested_reviewers (
    pull_id INTEGER NOT NULL REFERENCES pulls (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (pull_id, account_id)
);
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    pull_id INTEGER NOT NULL REFERENCES pulls (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    app_id INTEGER REFERENCES apps (id),
    body TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('PENDING', 'COMMENTED', 'APPROVED', 'CHANGES_REQUESTED', 'DISMISSED')),
    commit_id TEXT NOT NULL,
    submitted_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS review_threads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pull_id INTEGER NOT NULL REFERENCES pulls (id) ON DELETE CASCADE,
    resolved_by_id INTEGER REFERENCES accounts (id) -- null: not resolved
);
CREATE TABLE IF NOT EXISTS review_comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    pull_id INTEGER NOT NULL REFERENCES pulls (id) ON DELETE CASCADE,
    review_id INTEGER NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
    thread_id INTEGER NOT NULL REFERENCES review_threads (id) ON DELETE CASCADE,
    in_reply_to_id INTEGER,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    app_id INTEGER REFERENCES apps (id),
    body TEXT NOT NULL,
    path TEXT NOT NULL,
    subject_type TEXT NOT NULL DEFAULT 'line' CHECK (subject_type IN ('line', 'file')),
    side TEXT NOT NULL DEFAULT 'RIGHT' CHECK (side IN ('LEFT', 'RIGHT')),
    line INTEGER,                                   -- null: outdated
    original_line INTEGER,
    start_side TEXT,
    start_line INTEGER,
    original_start_line INTEGER,
    position INTEGER,
    original_position INTEGER,
    commit_id TEXT NOT NULL,
    original_commit_id TEXT NOT NULL,
    diff_hunk TEXT NOT NULL,
    minimized_reason TEXT,
    last_edited_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS review_comments_pull ON review_comments (pull_id, id);

CREATE TABLE IF NOT EXISTS check_suites (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    app_id INTEGER NOT NULL REFERENCES apps (id),
    head_sha TEXT NOT NULL,
    head_branch TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (repo_id, app_id, head_sha)
);
CREATE TABLE IF NOT EXISTS rerequested_suites (
    suite_id INTEGER PRIMARY KEY REFERENCES check_suites (id) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS check_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    suite_id INTEGER NOT NULL REFERENCES check_suites (id) ON DELETE CASCADE,
    app_id INTEGER NOT NULL REFERENCES apps (id),
    head_sha TEXT NOT NULL,
    name TEXT NOT NULL,
    external_id TEXT NOT NULL DEFAULT '',
    details_url TEXT,
    status TEXT NOT NULL DEFAULT 'queued',
    conclusion TEXT,
    started_at TEXT,
    completed_at TEXT,
    title TEXT,
    summary TEXT,
    text TEXT,
    actions_json TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS check_runs_sha ON check_runs (repo_id, head_sha);
CREATE TABLE IF NOT EXISTS annotations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_run_id INTEGER NOT NULL REFERENCES check_runs (id) ON DELETE CASCADE,
    annotation_json TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS statuses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    sha TEXT NOT NULL,
    state TEXT NOT NULL,
    context TEXT NOT NULL DEFAULT 'default',
    description TEXT,
    target_url TEXT,
    user_id INTEGER NOT NULL REFERENCES accounts (id),
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS verified_commits (       -- commits that GitHub itself made and signed
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    sha TEXT NOT NULL,
    PRIMARY KEY (repo_id, sha)
);

CREATE TABLE IF NOT EXISTS rulesets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    target TEXT NOT NULL DEFAULT 'branch',
    enforcement TEXT NOT NULL CHECK (enforcement IN ('active', 'disabled', 'evaluate')),
    conditions_json TEXT NOT NULL DEFAULT '{}',
    rules_json TEXT NOT NULL DEFAULT '[]',
    bypass_json TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS protections (             -- classic ones, of one branch each
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    branch TEXT NOT NULL,
    settings_json TEXT NOT NULL,
    PRIMARY KEY (repo_id, branch)
);
CREATE TABLE IF NOT EXISTS issue_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    actor_id INTEGER NOT NULL REFERENCES accounts (id),
    app_id INTEGER REFERENCES apps (id),
    more_json TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS queue_entries (          -- of the merge queue; a group holds one pull request
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pull_id INTEGER NOT NULL UNIQUE REFERENCES pulls (id) ON DELETE CASCADE,
    head_sha TEXT NOT NULL,                         -- of the group: the pull request on top of its base
    base_sha TEXT NOT NULL,
    ref TEXT NOT NULL,                              -- refs/heads/gh-readonly-queue/...
    created_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS deliveries (             -- of webhooks; a redelivery is a row of its own with the same guid
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL,
    app_id INTEGER NOT NULL REFERENCES apps (id),
    installation_id INTEGER,
    repo_id INTEGER,
    event TEXT NOT NULL,
    action TEXT,
    redelivery INTEGER NOT NULL DEFAULT 0,
    payload TEXT NOT NULL,
    delivered_at TEXT NOT NULL,
    duration REAL,                                  -- seconds; null: under way
    status TEXT,                                    -- OK, or what went wrong
    status_code INTEGER,
    request_headers_json TEXT NOT NULL DEFAULT '{}',
    response_headers_json TEXT NOT NULL DEFAULT '{}',
    response_body TEXT NOT NULL DEFAULT ''
);

CREATE TABLE IF NOT EXISTS milestones (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,                        -- counted for themselves
    title TEXT NOT NULL,
    description TEXT,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    due_on TEXT,
    creator_id INTEGER NOT NULL REFERENCES accounts (id),
    closed_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (repo_id, number),
    UNIQUE (repo_id, title)
);
CREATE TABLE IF NOT EXISTS issue_milestones (
    issue_id INTEGER PRIMARY KEY REFERENCES issues (id) ON DELETE CASCADE,
    milestone_id INTEGER NOT NULL REFERENCES milestones (id) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS lock_reasons (           -- of conversations that are locked, where one was given
    issue_id INTEGER PRIMARY KEY REFERENCES issues (id) ON DELETE CASCADE,
    reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS pinned_issues (
    issue_id INTEGER PRIMARY KEY REFERENCES issues (id) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS moved_issues (           -- for 301 after a transfer
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    PRIMARY KEY (repo_id, number)
);
CREATE TABLE IF NOT EXISTS sub_issues (             -- in the order in which they were added
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issue_id INTEGER NOT NULL UNIQUE REFERENCES issues (id) ON DELETE CASCADE,
    parent_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS topics (
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY (repo_id, name)
);
CREATE TABLE IF NOT EXISTS releases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    tag_name TEXT NOT NULL,
    target TEXT NOT NULL,                           -- from which the tag is made once it is published
    name TEXT,
    body TEXT,
    draft INTEGER NOT NULL DEFAULT 0,
    prerelease INTEGER NOT NULL DEFAULT 0,
    author_id INTEGER NOT NULL REFERENCES accounts (id),
    published_at TEXT,
    created_at TEXT NOT NULL
);
