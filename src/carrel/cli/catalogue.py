"""The commands, as `carrel --help` lists them, without loading any of them.

The name of a command is the name of its module in `carrel.cli.commands`, `-` written as `_`.
"""

SECTIONS: dict[str, dict[str, str]] = {
    "Start": {
        "demo": "Watch agents work in parallel, and a fleet go into the night.",
        "init": "Register a repository, by path or URL.",
        "projects": "List the registered repositories, or take one off the list.",
    },
    "Work": {
        "new": "Make a workspace, or return the one that is there.",
        "ls": "List the workspaces.",
        "show": "Show one workspace.",
        "path": "Print the folder of a workspace.",
        "exec": "Run a command in a workspace.",
        "shell": "Open your shell in a workspace.",
    },
    "Keep": {
        "checkpoint": "Save the whole state of a workspace.",
        "checkpoints": "List the checkpoints of a workspace.",
        "changes": "Show what a workspace changed.",
        "restore": "Go back to a checkpoint; the present state is saved first.",
    },
    "Bring together": {
        "conflicts": "Predict conflicts, and the order of merging with the fewest.",
        "merge": "Merge a workspace.",
        "mark": "Say that the work of a workspace failed, or is open again.",
    },
    "Clean up": {
        "rm": "Remove a workspace; nothing in it is lost.",
        "trash": "Look into the trash, take a workspace out of it, or empty it.",
        "gc": "Remove the workspaces whose time is over.",
        "tend": "Checkpoint what changed and clean up, once or for ever.",
    },
    "Fleets": {
        "fleet": "Look at a fleet of workspaces, or stop it in an emergency.",
        "govern": "Observe, decide, warn and act: once, or for ever.",
        "policy": "List, check and explain the policies.",
        "quiet-hours": "Who runs in quiet hours, and stop it.",
        "ttl": "Times to live: who is late, and set or extend one.",
        "autostop": "What will stop a workspace, and when; stop what is idle.",
        "prune": "Put to sleep what runs in its owner's quiet hours.",
        "plan": "Show, apply or undo a plan: what is to be done, and why.",
        "snooze": "Keep a workspace running for a while.",
        "freeze": "Let no policy act any more, at once.",
        "unfreeze": "End the freeze.",
        "schedule": "Print files that run 'carrel govern' by a timer.",
        "simulate": "Run a stand-in for a remote system, to rehearse on.",
    },
    "Look after": {
        "doctor": "Tell what works on this machine, and how to cure what doesn't.",
        "reconcile": "Compare the database with the disk, and repair the differences.",
        "ledger": "Read the record of everything that was done, or verify it.",
        "config": "Show the settings, or import them.",
        "db": "Upgrade or check the database.",
        "completion": "Print the script that completes commands in your shell.",
    },
}
