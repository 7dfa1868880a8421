"""Habits of scripts, rules and captions that hold for every one of them."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPTS = {p.stem: p for p in (ROOT / "workflow" / "scripts").glob("[!_]*.py")}
CAPTIONS = ROOT / "workflow" / "report"
SMK = sorted((ROOT / "rules").glob("*.smk"))


def sections(text):
    """Directive -> body of one rule's text (indented by four, its body by eight)."""
    found = re.findall(r"^    (\w+):(.*\n(?:(?:        .*)?\n)*)", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in found}


def read_rules():
    """Rule -> its directives, over all files of rules."""
    rules = {}
    for path in SMK:
        for text in re.split(r"^rule ", path.read_text() + "\n", flags=re.MULTILINE)[1:]:
            name, _, body = text.partition(":\n")
            rules[name] = sections(re.split(r"^(?=\S)", body, flags=re.MULTILINE)[0])
    return rules


RULES = read_rules()
WORKING = {name: rule for name, rule in RULES.items() if "script" in rule}


def calls(body, name):
    """(name, call) of each keyword of a rule's section whose value calls the function ``name``."""
    tree = ast.parse(f"f({body})")
    return [
        (keyword.arg, keyword.value)
        for keyword in tree.body[0].value.keywords
        if isinstance(keyword.value, ast.Call)
        and isinstance(keyword.value.func, ast.Name)
        and keyword.value.func.id == name
    ]


def reports():
    """(rule, output's name, call of report()) of every reported output."""
    return [
        (name, output, call)
        for name, rule in WORKING.items()
        for output, call in calls(rule["output"], "report")
    ]


def test_rules_are_read_completely():
    listed = {
        n for p in SMK for n in re.findall(r"^(?:rule|checkpoint) (\w+):", p.read_text(), re.M)
    }
    assert listed == set(RULES)
    assert len(WORKING) > 20 and len(reports()) > 10


def test_scripts_and_rules_share_their_names():
    assert {n: Path(ast.literal_eval(r["script"])).stem for n, r in WORKING.items()} == {
        name: name for name in SCRIPTS
    }
    assert all(re.fullmatch(r"[a-z]+_[a-z_]+", name) for name in SCRIPTS), "verb_noun"


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_a_page_with_one_main(name):
    tree = ast.parse(SCRIPTS[name].read_text())
    assert ast.get_docstring(tree)
    assert [n.name for n in tree.body if isinstance(n, ast.FunctionDef)].count("main") == 1
    blocks = [n for n in tree.body if isinstance(n, ast.If) and "__main__" in ast.unparse(n.test)]
    assert len(blocks) == 1 and tree.body[-1] is blocks[0]
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Assign, ast.AnnAssign, ast.Expr)
    allowed += (ast.ClassDef,)
    assert all(isinstance(n, allowed) for n in tree.body[:-1]), "nothing runs on import"


@pytest.mark.parametrize("name", SCRIPTS)
def test_only_the_last_block_knows_snakemake(name):
    tree = ast.parse(SCRIPTS[name].read_text())
    used = {
        node.lineno
        for part in tree.body[:-1]
        for node in ast.walk(part)
        if isinstance(node, ast.Name) and node.id == "snakemake"
    }
    assert not used
    text = SCRIPTS[name].read_text()
    if name in ("prepare_catalogue", "fetch_cutouts"):  # identity stands for it in their params
        text = text.replace('snakemake.config["survey"]', "")
    assert "snakemake.config" not in text


@pytest.mark.parametrize("name", WORKING)
def test_rule_has_all_its_directives(name):
    rule = WORKING[name]
    needed = {"input", "output", "log", "benchmark", "conda", "params", "message", "script"}
    assert needed <= set(rule)
    assert (f"/logs/{name}/" in rule["log"]) or (f"/logs/{name}.log" in rule["log"])
    assert f"/benchmarks/{name}" in rule["benchmark"]


@pytest.mark.parametrize("name", sorted(set(RULES) - set(WORKING) - {"all"}))
def test_short_targets_have_a_message(name):
    assert "message" in RULES[name]


@pytest.mark.parametrize("name", WORKING)
def test_inputs_and_outputs_are_named(name):
    for directive in ("input", "output"):
        call = ast.parse(f"f({WORKING[name][directive]})").body[0].value
        unnamed = [a for a in call.args if not ast.unparse(a).startswith("unpack(")]
        assert not unnamed, directive


@pytest.mark.parametrize("name", WORKING)
def test_rule_follows_its_code_and_libraries(name):
    text = WORKING[name]["params"]
    if name in ("prepare_catalogue", "fetch_cutouts"):  # no edit of code may download again
        assert "identity=" in text and "code=" not in text and "libraries=" not in text
    else:
        environment = Path(ast.literal_eval(WORKING[name]["conda"])).stem
        assert re.search(rf'code=code\w*\(\s*"{name}"', text)
        assert f'libraries=libraries("{environment}")' in text


def test_figures_are_reported_with_their_table():
    for name, rule in WORKING.items():
        outputs = {k.arg: k.value for k in ast.parse(f"f({rule['output']})").body[0].value.keywords}
        reported = {output for rule_name, output, _ in reports() if rule_name == name}
        for output, value in outputs.items():
            if ".png" in ast.unparse(value):
                assert output in reported, f"{name}: {output} is not in the report"
                kin = [output.replace("png", part) for part in ("pdf", "table")]
                assert set(kin) <= set(outputs), f"{name}: {output} lacks one of {kin}"


def test_captions_exist_and_all_are_used():
    named = set()
    for name, output, call in reports():
        keywords = {k.arg: k.value for k in call.keywords}
        assert {"caption", "category"} <= set(keywords), f"{name}: {output}"
        caption = (ROOT / "rules" / ast.literal_eval(keywords["caption"])).resolve()
        assert caption.is_file() and caption.read_text().strip(), f"{name}: {caption.name}"
        named.add(caption)
    front = re.search(r'^report: "(.+)"', (ROOT / "Snakefile").read_text(), re.MULTILINE)[1]
    assert named | {(ROOT / front).resolve()} == {p.resolve() for p in CAPTIONS.iterdir()}


def profile(name):
    return yaml.safe_load((ROOT / "profiles" / name / "profile.yaml").read_text())


def test_profiles_agree_on_what_makes_a_job_run_again():
    keys = ("rerun-incomplete", "nolock", "rerun-triggers")
    found = [{key: profile(name)[key] for key in keys} for name in ("default", "slurm")]
    assert found[0] == found[1]
    assert found[0]["rerun-incomplete"] and "code" not in found[0]["rerun-triggers"]


def test_cluster_profile_names_rules_that_exist_and_all_that_want_a_gpu():
    resources = profile("slurm")["set-resources"]
    assert set(resources) <= set(WORKING)
    wanting = {name for name, rule in WORKING.items() if "gpu" in rule.get("resources", "")}
    assert wanting and wanting <= {name for name, own in resources.items() if own.get("gpu")}


def tracked():
    """Text files under version control, and those that are new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this copy is no working tree of git")
    for path in map(ROOT.joinpath, listed.stdout.splitlines()):
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield path.relative_to(ROOT), content.decode(errors="replace")


PRIVATE = re.compile(
    r"(?<![\w.])/(?:home|Users|root|work|mnt)/\w"
    r"|pypi\.org|pythonhost(?:ed)|debian\.org/|npmjs\.(?:org|com)|conda\.anaconda\.org"
)


def test_tracked_files_name_no_machine_and_no_registry():
    found = [
        f"{path}:{number}: {match[0]}"
        for path, text in tracked()
        for number, line in enumerate(text.splitlines(), start=1)
        for match in PRIVATE.finditer(line)
    ]
    assert not found


@pytest.mark.parametrize("parts", [("cd ", "work", "main"), ("'", "home", "me", "x")])
def test_the_pattern_finds_a_machine_path(parts):
    assert PRIVATE.search("/".join(parts))


def test_the_pattern_finds_a_registry():
    assert PRIVATE.search(".".join(("https://pypi", "org/simple")))
