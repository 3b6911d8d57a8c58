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
