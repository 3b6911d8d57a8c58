"""Names and places for a believable deployment."""

FIRST = (
    *("ada", "alan", "amir", "ana", "anders", "aya", "bela", "carla", "chen", "dana", "diego"),
    *("elif", "emma", "femi", "grace", "hana", "hugo", "ines", "ivan", "jana", "jonas", "kavya"),
    *("kenji", "lars", "leila", "linh", "lucas", "maja", "mateo", "mei", "mila", "nadia", "niko"),
    *("nora", "omar", "paula", "priya", "rafael", "ravi", "rosa", "sara", "sofia", "tara", "theo"),
    *("tomas", "uma", "vera", "wei", "yara", "yuki", "zane", "zofia"),
)
LAST = (
    *("abe", "adler", "ali", "bauer", "berg", "costa", "cruz", "diaz", "dubois", "egan", "evans"),
    *("fischer", "garcia", "haas", "ibrahim", "ito", "jansen", "kaya", "kim", "klein", "kovac"),
    *("kumar", "lam", "lopez", "mani", "meyer", "moore", "nakamura", "nguyen", "novak", "okafor"),
    *("olsen", "park", "patel", "perez", "popov", "rao", "rossi", "santos", "sato", "schmidt"),
    *("silva", "singh", "smith", "tan", "tran", "vogel", "wang", "weber", "wolf", "young", "zhu"),
)
ZONES = (
    ("Europe/Berlin", 30),
    ("America/New_York", 22),
    ("America/Los_Angeles", 14),
    ("Asia/Kolkata", 14),
    ("Europe/London", 8),
    ("Asia/Tokyo", 5),
    ("America/Sao_Paulo", 3),
    ("Australia/Sydney", 2),
    ("Africa/Johannesburg", 2),
)
TEAMS = (
    *("platform", "payments", "search", "mobile", "data", "ml", "security", "web", "infra"),
    *("billing", "growth", "growth-tools", "identity", "observability", "quality", "research"),
    *("risk", "sales-tools", "storage", "streaming", "support-tools", "video", "compilers"),
)
SPACES = ("dev", "api", "frontend", "backend", "spike", "review", "bugfix", "docs", "perf", "infra")
PROMPTS = (
    "Make the flaky upload test reliable",
    "Replace the deprecated date library",
    "Find out why the nightly report is slow",
    "Add paging to the list of invoices",
    "Write the missing tests of the parser",
)
