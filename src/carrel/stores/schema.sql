CREATE TABLE projects (
	project_id VARCHAR(64) NOT NULL,
	name VARCHAR(100) NOT NULL,
	name_key VARCHAR(200) NOT NULL,
	kind VARCHAR(8) NOT NULL,
	source TEXT NOT NULL,
	home TEXT NOT NULL,
	default_branch TEXT NOT NULL,
	created_at DATETIME NOT NULL,
	removed BOOLEAN NOT NULL,
	CONSTRAINT pk_projects PRIMARY KEY (project_id),
	CONSTRAINT ck_projects_kind_is_known CHECK (kind IN ('path', 'url')),
	CONSTRAINT ck_projects_name_is_given CHECK (name <> '')
);

CREATE UNIQUE INDEX uq_projects_name_key_present ON projects (name_key) WHERE NOT removed;

CREATE TABLE plans (
	plan_id VARCHAR(12) NOT NULL,
	hash VARCHAR(64) NOT NULL,
	purpose VARCHAR(32) NOT NULL,
	fleet TEXT NOT NULL,
	made_at DATETIME NOT NULL,
	made_by TEXT NOT NULL,
	undoes VARCHAR(12) NOT NULL,
	body TEXT NOT NULL,
	CONSTRAINT pk_plans PRIMARY KEY (plan_id),
	CONSTRAINT uq_plans_hash UNIQUE (hash),
	CONSTRAINT ck_plans_purpose_is_known CHECK (purpose IN ('govern', 'quiet_hours', 'time_to_live', 'autostop', 'prune', 'deletion', 'emergency_stop', 'undo', 'set')),
	CONSTRAINT ck_plans_hash_is_sha256 CHECK (length(hash) = 64)
);

CREATE INDEX ix_plans_made_at ON plans (made_at);

CREATE TABLE keep_alives (
	keep_id VARCHAR(64) NOT NULL,
	fleet TEXT NOT NULL,
	workspace_id VARCHAR(64) NOT NULL,
	workspace TEXT NOT NULL,
	kept_by TEXT NOT NULL,
	reason TEXT NOT NULL,
	at DATETIME NOT NULL,
	until DATETIME NOT NULL,
	CONSTRAINT pk_keep_alives PRIMARY KEY (keep_id),
	CONSTRAINT ck_keep_alives_it_ends_after_it_began CHECK (until >= at)
);

CREATE INDEX ix_keep_alives_until ON keep_alives (until);

CREATE TABLE freezes (
	scope VARCHAR(16) NOT NULL,
	frozen_by TEXT NOT NULL,
	reason TEXT NOT NULL,
	at DATETIME NOT NULL,
	CONSTRAINT pk_freezes PRIMARY KEY (scope),
	CONSTRAINT ck_freezes_scope_is_known CHECK (scope = 'all')
);

CREATE TABLE warnings (
	fleet TEXT NOT NULL,
	workspace_id VARCHAR(64) NOT NULL,
	build_number INTEGER NOT NULL,
	due DATETIME NOT NULL,
	owner_id VARCHAR(64) NOT NULL,
	at DATETIME NOT NULL,
	delivery VARCHAR(16) NOT NULL,
	recipient TEXT NOT NULL,
	why TEXT NOT NULL,
	plan_id VARCHAR(12) NOT NULL,
	CONSTRAINT pk_warnings PRIMARY KEY (fleet, workspace_id, build_number, due),
	CONSTRAINT ck_warnings_delivery_is_known CHECK (delivery IN ('sent', 'covered', 'failed'))
);

CREATE INDEX ix_warnings_at ON warnings (at);

CREATE TABLE observations (
	fleet TEXT NOT NULL,
	at DATETIME NOT NULL,
	alone BOOLEAN NOT NULL,
	body BLOB NOT NULL,
	CONSTRAINT pk_observations PRIMARY KEY (fleet, at)
);

CREATE TABLE running_time (
	fleet TEXT NOT NULL,
	month DATETIME NOT NULL,
	workspace_id VARCHAR(64) NOT NULL,
	workspace TEXT NOT NULL,
	owner TEXT NOT NULL,
	template TEXT NOT NULL,
	seconds DOUBLE NOT NULL,
	CONSTRAINT pk_running_time PRIMARY KEY (fleet, month, workspace_id),
	CONSTRAINT ck_running_time_time_goes_on CHECK (seconds >= 0)
);

CREATE TABLE bill_lines (
	fleet TEXT NOT NULL,
	month DATETIME NOT NULL,
	account TEXT NOT NULL,
	workspace TEXT NOT NULL,
	owner TEXT NOT NULL,
	template TEXT NOT NULL,
	cost DOUBLE NOT NULL,
	currency TEXT NOT NULL,
	CONSTRAINT pk_bill_lines PRIMARY KEY (fleet, month, account, workspace, owner, template, currency)
);

CREATE TABLE ledger (
	sequence INTEGER NOT NULL,
	at DATETIME NOT NULL,
	actor TEXT NOT NULL,
	action VARCHAR(100) NOT NULL,
	subject TEXT NOT NULL,
	data TEXT NOT NULL,
	previous VARCHAR(64) NOT NULL,
	hash VARCHAR(64) NOT NULL,
	CONSTRAINT pk_ledger PRIMARY KEY (sequence),
	CONSTRAINT uq_ledger_previous UNIQUE (previous),
	CONSTRAINT uq_ledger_hash UNIQUE (hash),
	CONSTRAINT ck_ledger_sequence_counts_from_1 CHECK (sequence >= 1),
	CONSTRAINT ck_ledger_action_is_given CHECK (action <> ''),
	CONSTRAINT ck_ledger_hash_is_sha256 CHECK (length(hash) = 64),
	CONSTRAINT ck_ledger_previous_is_sha256 CHECK (length(previous) = 64)
);

CREATE INDEX ix_ledger_subject ON ledger (subject);

CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER ledger_keeps_values BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER ledger_keeps_chain BEFORE INSERT ON ledger WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM ledger) OR NEW.previous <> coalesce((SELECT hash FROM ledger ORDER BY sequence DESC LIMIT 1), '0000000000000000000000000000000000000000000000000000000000000000') BEGIN SELECT RAISE(ABORT, 'the ledger takes only its next link'); END;

CREATE TABLE carrel_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT carrel_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE agent_workspaces (
	workspace_id VARCHAR(64) NOT NULL,
	project_id VARCHAR(64) NOT NULL,
	agent_id VARCHAR(100) NOT NULL,
	agent_key VARCHAR(200) NOT NULL,
	working_directory TEXT NOT NULL,
	branch_name TEXT NOT NULL,
	branch_key TEXT NOT NULL,
	start_ref TEXT NOT NULL,
	target_branch TEXT NOT NULL,
	parent_commit VARCHAR(64) NOT NULL,
	parent_id VARCHAR(64),
	depth INTEGER NOT NULL,
	driver VARCHAR(32) NOT NULL,
	home TEXT NOT NULL,
	state VARCHAR(16) NOT NULL,
	outcome VARCHAR(16) NOT NULL,
	head_commit VARCHAR(64) NOT NULL,
	layer VARCHAR(64) NOT NULL,
	created_at DATETIME NOT NULL,
	updated_at DATETIME NOT NULL,
	merged_to TEXT,
	merged_commit VARCHAR(64),
	options TEXT NOT NULL,
	CONSTRAINT pk_agent_workspaces PRIMARY KEY (workspace_id),
	CONSTRAINT uq_agent_workspaces_project_id_branch_key UNIQUE (project_id, branch_key),
	CONSTRAINT ck_agent_workspaces_state_is_known CHECK (state IN ('creating', 'active', 'removing', 'trashed', 'removed')),
	CONSTRAINT ck_agent_workspaces_outcome_is_known CHECK (outcome IN ('open', 'merged', 'failed')),
	CONSTRAINT ck_agent_workspaces_agent_id_is_given CHECK (agent_id <> ''),
	CONSTRAINT ck_agent_workspaces_depth_fits_parent CHECK ((parent_id IS NULL AND depth = 0) OR (parent_id IS NOT NULL AND depth > 0)),
	CONSTRAINT ck_agent_workspaces_parent_is_another CHECK (parent_id IS NULL OR parent_id <> workspace_id),
	CONSTRAINT ck_agent_workspaces_merge_has_a_target CHECK (merged_commit IS NULL OR merged_to IS NOT NULL),
	CONSTRAINT ck_agent_workspaces_parent_commit_is_an_object_id CHECK (length(parent_commit) IN (0, 40, 64)),
	CONSTRAINT ck_agent_workspaces_head_commit_is_an_object_id CHECK (length(head_commit) IN (0, 40, 64)),
	CONSTRAINT ck_agent_workspaces_merged_commit_is_an_object_id CHECK (length(merged_commit) IN (40, 64)),
	CONSTRAINT fk_agent_workspaces_project_id_projects FOREIGN KEY(project_id) REFERENCES projects (project_id),
	CONSTRAINT fk_agent_workspaces_parent_id_agent_workspaces FOREIGN KEY(parent_id) REFERENCES agent_workspaces (workspace_id)
);

CREATE INDEX ix_agent_workspaces_parent_id ON agent_workspaces (parent_id);

CREATE INDEX ix_agent_workspaces_state ON agent_workspaces (state);

CREATE UNIQUE INDEX uq_agent_workspaces_agent_key_open ON agent_workspaces (agent_key) WHERE state IN ('creating', 'active', 'removing');

CREATE TABLE plan_actions (
	plan_id VARCHAR(12) NOT NULL,
	number INTEGER NOT NULL,
	workspace_id VARCHAR(64) NOT NULL,
	deed VARCHAR(32) NOT NULL,
	stops BOOLEAN NOT NULL,
	state VARCHAR(16) NOT NULL,
	at DATETIME NOT NULL,
	sent_at DATETIME,
	holder TEXT NOT NULL,
	build_number INTEGER NOT NULL,
	build_id TEXT NOT NULL,
	note TEXT NOT NULL,
	"before" TEXT NOT NULL,
	CONSTRAINT pk_plan_actions PRIMARY KEY (plan_id, number),
	CONSTRAINT ck_plan_actions_number_counts_from_1 CHECK (number >= 1),
	CONSTRAINT ck_plan_actions_deed_is_known CHECK (deed IN ('stop', 'pause', 'start', 'resume', 'make_dormant', 'wake', 'set_ttl', 'set_deadline', 'set_autostart', 'delete', 'pause_prebuilds', 'resume_prebuilds')),
	CONSTRAINT ck_plan_actions_state_is_known CHECK (state IN ('waiting', 'sent', 'following', 'done', 'skipped', 'failed', 'uncertain')),
	CONSTRAINT ck_plan_actions_what_was_sent_has_a_moment CHECK (state NOT IN ('sent', 'following', 'done', 'uncertain') OR sent_at IS NOT NULL),
	CONSTRAINT fk_plan_actions_plan_id_plans FOREIGN KEY(plan_id) REFERENCES plans (plan_id)
);

CREATE INDEX ix_plan_actions_sent_at ON plan_actions (sent_at);

CREATE INDEX ix_plan_actions_state ON plan_actions (state);

CREATE TABLE workspace_commits (
	id VARCHAR(64) NOT NULL,
	workspace_id VARCHAR(64) NOT NULL,
	agent_id VARCHAR(100) NOT NULL,
	number INTEGER NOT NULL,
	iteration INTEGER,
	commit_sha VARCHAR(64) NOT NULL,
	files_changed INTEGER NOT NULL,
	message TEXT NOT NULL,
	created_at DATETIME NOT NULL,
	empty BOOLEAN NOT NULL,
	reason VARCHAR(32) NOT NULL,
	CONSTRAINT pk_workspace_commits PRIMARY KEY (id),
	CONSTRAINT uq_workspace_commits_workspace_id_number UNIQUE (workspace_id, number),
	CONSTRAINT uq_workspace_commits_workspace_id_iteration UNIQUE (workspace_id, iteration),
	CONSTRAINT ck_workspace_commits_number_counts_from_1 CHECK (number >= 1),
	CONSTRAINT ck_workspace_commits_iteration_is_not_negative CHECK (iteration IS NULL OR iteration >= 0),
	CONSTRAINT ck_workspace_commits_files_changed_is_not_negative CHECK (files_changed >= 0),
	CONSTRAINT ck_workspace_commits_empty_changed_nothing CHECK (NOT empty OR files_changed = 0),
	CONSTRAINT ck_workspace_commits_reason_is_given CHECK (reason <> ''),
	CONSTRAINT ck_workspace_commits_commit_sha_is_an_object_id CHECK (length(commit_sha) IN (40, 64)),
	CONSTRAINT fk_workspace_commits_workspace_id_agent_workspaces FOREIGN KEY(workspace_id) REFERENCES agent_workspaces (workspace_id)
);

CREATE TABLE merge_conflict_resolutions (
	merge_id VARCHAR(64) NOT NULL,
	position INTEGER NOT NULL,
	workspace_id VARCHAR(64) NOT NULL,
	path TEXT NOT NULL,
	kind VARCHAR(32) NOT NULL,
	strategy VARCHAR(32) NOT NULL,
	winner VARCHAR(8),
	winning TEXT NOT NULL,
	losing TEXT NOT NULL,
	kept_ref TEXT NOT NULL,
	reason TEXT NOT NULL,
	created_at DATETIME NOT NULL,
	CONSTRAINT pk_merge_conflict_resolutions PRIMARY KEY (merge_id, position),
	CONSTRAINT ck_merge_conflict_resolutions_position_counts_from_1 CHECK (position >= 1),
	CONSTRAINT ck_merge_conflict_resolutions_kind_is_known CHECK (kind IN ('content', 'add/add', 'modify/delete', 'rename/delete', 'rename/rename 1to2', 'rename/rename 2to1', 'rename/add', 'file/directory', 'directory rename', 'binary', 'mode', 'type', 'submodule')),
	CONSTRAINT ck_merge_conflict_resolutions_strategy_is_known CHECK (strategy IN ('newest_file_wins', 'child', 'parent', 'union', 'fail', 'command')),
	CONSTRAINT ck_merge_conflict_resolutions_winner_is_a_side CHECK (winner IS NULL OR winner IN ('child', 'parent')),
	CONSTRAINT fk_merge_conflict_resolutions_workspace_id_agent_workspaces FOREIGN KEY(workspace_id) REFERENCES agent_workspaces (workspace_id)
);

CREATE INDEX ix_merge_conflict_resolutions_workspace_id ON merge_conflict_resolutions (workspace_id);

CREATE TABLE leases (
	workspace_id VARCHAR(64) NOT NULL,
	holder TEXT NOT NULL,
	token VARCHAR(100) NOT NULL,
	host TEXT NOT NULL,
	pid INTEGER NOT NULL,
	acquired_at DATETIME NOT NULL,
	heartbeat_at DATETIME NOT NULL,
	CONSTRAINT pk_leases PRIMARY KEY (workspace_id),
	CONSTRAINT ck_leases_token_is_given CHECK (token <> ''),
	CONSTRAINT ck_leases_pid_is_not_negative CHECK (pid >= 0),
	CONSTRAINT fk_leases_workspace_id_agent_workspaces FOREIGN KEY(workspace_id) REFERENCES agent_workspaces (workspace_id)
);
