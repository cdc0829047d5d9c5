// SPDX-License-Identifier: Apache-2.0
// What is made of the tables of the program's commands: help, man page, shell completion. The list of commands that
// these tests walk is the program's own.
#include "program.h"

#include <jansson.h>

static json_t *tree;

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static int open_tree(void **state) {
    if (scratch_open(state) != 0 || fovea("help --json") != 0) {
        return -1;
    }
    tree = json_loads(out, 0, NULL);
    return tree ? 0 : -1;
}

static int close_tree(void **state) {
    json_decref(tree);
    return scratch_close(state);
}

// Calls `check` for every command without actions, and for every action, with its whole name.
static void each_command(void (*check)(const char *name, const json_t *command)) {
    size_t c, a;
    json_t *command, *action;
    json_array_foreach(json_object_get(tree, "commands"), c, command) {
        const json_t *actions = json_object_get(command, "actions");
        if (json_array_size(actions) == 0) {
            check(text_of(command, "name"), command);
        }
        json_array_foreach(actions, a, action) {
            char name[64];
            snprintf(name, sizeof name, "%s %s", text_of(command, "name"), text_of(action, "name"));
            check(name, action);
        }
    }
}

// --- Help

static void check_option(const char *command, const json_t *options, size_t index) {
    const json_t *option = json_array_get(options, index);
    const char *name = text_of(option, "name"), *sentence = text_of(option, "sentence");
    char title[64];
    snprintf(title, sizeof title, "--%s%s%s", name, text_of(option, "value") ? " " : "",
             text_of(option, "value") ? text_of(option, "value") : "\n");
    if (text_of(option, "value")) {
        assert_has(out, title);
    }
    if (sentence[0] < 'A' || sentence[0] > 'Z' || sentence[strlen(sentence) - 1] != '.') {
        fail_msg("%s --%s: no sentence: %s", command, name, sentence);
    }
    for (size_t other = 0; other < index; other++) {
        const json_t *before = json_array_get(options, other);
        const char *letter = text_of(option, "letter"), *taken = text_of(before, "letter");
        if (strcmp(text_of(before, "name"), name) == 0 || (letter && taken && strcmp(letter, taken) == 0)) {
            fail_msg("%s: --%s is there twice, or its letter", command, name);
        }
    }
    snprintf(title, sizeof title, "--%s", name);
    assert_has(out, title);
}

static void check_help(const char *name, const json_t *command) {
    char line[128];
    snprintf(line, sizeof line, "%s --help", name);
    assert_code(0, line);
    snprintf(line, sizeof line, "usage: fovea %s", name);
    assert_has(out, line);
    assert_has(out, text_of(command, "sentence"));
    const json_t *options = json_object_get(command, "options"), *examples = json_object_get(command, "examples");
    for (size_t i = 0; i < json_array_size(options); i++) {
        check_option(name, options, i);
    }
    assert_true(json_array_size(examples) > 0);
    for (size_t i = 0; i < json_array_size(examples); i++) {
        const char *example = json_string_value(json_array_get(examples, i));
        assert_has(out, example);
        assert_has(example, "fovea ");
    }
    snprintf(line, sizeof line, "help %s", name);
    static char page[OUTPUT_SIZE];
    memcpy(page, out, sizeof page);
    assert_code(0, line);
    assert_string_equal(out, page);
    snprintf(line, sizeof line, "%s --no-such-option", name);
    assert_code(2, line);
    assert_has(err, "unknown option --no-such-option");
    assert_has(err, "usage: fovea");
}

static void explains_every_command(void **state) {
    (void)state;
    assert_true(json_array_size(json_object_get(tree, "commands")) > 10);
    each_command(check_help);
}

static void check_overview(const char *name, const json_t *command) {
    (void)command;
    char line[64];
    snprintf(line, sizeof line, "\n  %.*s ", (int)strcspn(name, " "), name);
    assert_has(out, line);
}

static void lists_every_command(void **state) {
    (void)state;
    assert_code(0, "help");
    each_command(check_overview);
}

// --- Options

static void reads_options(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"eval x --seed 3", "eval takes no --seed; it belongs to: train, explain,"},
        {"data list --sha256 3", "data list takes no --sha256; it belongs to: data get"},
        {"data --sha256 3 list", "data list takes no --sha256; it belongs to: data get"},
        {"data check", "data check needs the name of a data set"},
        {"data shwo", "has no action 'shwo'; did you mean 'show'?"},
        {"help data shwo", "did you mean 'show'?"},
        {"help trian", "did you mean 'train'?"},
        {"help data list more", "one argument too many"},
        {"train a b", "'b' is one argument too many"},
        {"train a --epochs=3", "--set train.epochs=..."},
        {"train a --threads 0", "'0' should be a whole number, at least 1"},
        {"train a --seed=-1", "'-1' should be a whole number, at least 0"},
        {"train a --json=yes", "--json takes no value"},
        {"bench --seconds 0x3", "'0x3' should be a number above 0"},
        {"eval a --split tset", "'tset' should be test or train; did you mean 'test'?"},
        {"eval a --out b -o", "eval takes no --out"},
        {"help --completion tcsh", "should be bash, zsh or fish"},
        {"help --man train", "--man cannot be combined with anything else"},
        {"help recipe --json", "--json is for commands"},
        {"--quiet train", "options come after a command"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_code(2, wrong[i][0]);
        assert_has(err, wrong[i][1]);
        assert_string_equal(out, "");
    }
    assert_code(0, "cache --json list"); // options may come before the action
    assert_has(out, "[]");
    assert_code(0, "version -- ");
    assert_code(2, "version -- --json");
}

// --- Man page

static char *manual;

static void check_manual(const char *name, const json_t *command) {
    char line[128];
    snprintf(line, sizeof line, ".SS \\fBfovea %s\\fR", name);
    const char *section = strstr(manual, line);
    if (!section) {
        fail_msg("%s is missing in the man page", name);
        return;
    }
    const char *end = strstr(section + 1, "\n.S");
    size_t i;
    json_t *option;
    json_array_foreach(json_object_get(command, "options"), i, option) {
        int used = snprintf(line, sizeof line, "\\fB\\-\\-");
        for (const char *at = text_of(option, "name"); *at; at++) {
            used += snprintf(line + used, sizeof line - (size_t)used, *at == '-' ? "\\-" : "%c", *at);
        }
        const char *found = strstr(section, line);
        if (strcmp(text_of(option, "name"), "help") != 0 && (!found || found > end)) {
            fail_msg("%s: --%s is missing in the man page", name, text_of(option, "name"));
        }
    }
}

// Runs a script by a shell; returns its exit code.
static int shell(const char *name, const char *script) {
    scratch_file("script", script, strlen(script));
    return run_program(name, "script", NULL);
}

static bool has_program(const char *name) {
    char script[128];
    snprintf(script, sizeof script, "command -v %s", name);
    return shell("/bin/sh", script) == 0;
}

static void writes_a_manual(void **state) {
    (void)state;
    size_t size;
    assert_code(0, "help --man");
    scratch_file("fovea.1", out, strlen(out));
    read_file("fovea.1", &manual, &size);
    each_command(check_manual);
    free(manual);
    if (has_program("man")) {
        assert_int_equal(shell("/bin/sh", "MANWIDTH=80 man --warnings=w -E UTF-8 -l fovea.1"), 0);
        assert_string_equal(err, "");
        assert_has(out, "fovea eval MODEL|RUN [OPTIONS]");
    }
    if (has_program("mandoc")) {
        assert_int_equal(shell("/bin/sh", "mandoc -Tlint -W error fovea.1"), 0);
    }
}

// --- Completion

static void completes_in_bash(void **state) {
    (void)state;
    static const char *const lines[][2] = {// what was typed, and what it can become
                                           {"fovea tr", "train\n"},
                                           {"fovea help tr", "train\n"},
                                           {"fovea eval --sp", "--split\n"},
                                           {"fovea eval --split t", "test\ntrain\n"},
                                           {"fovea eval --split = te", "test\n"},
                                           {"fovea explain runs --method gra", "gradient\ngrad-cam\n"},
                                           {"fovea data s", "show\n"},
                                           {"fovea data check --j", "--json\n"},
                                           {"fovea data --json check --q", "--quiet\n"},
                                           {"fovea data show cats", "cats-and-dogs\n"},
                                           {"fovea train fashion-a", "fashion-attention\n"},
                                           {"fovea train --data fash", "fashion-mnist\n"},
                                           {"fovea weights get mobilenet-v2-0.75-19", "mobilenet-v2-0.75-192\n"},
                                           {"fovea train x -o fold", "folder\n"},
                                           {"fovea train fil", "file.yaml\n"},
                                           {"fovea eval --seed", ""}}; // which it does not take
    if (!has_program("bash")) {
        skip();
    }
    mkdir(scratch_path("folder"), 0700);
    scratch_file("file.yaml", "", 0);
    assert_code(0, "help --completion bash");
    scratch_file("fovea.bash", out, strlen(out));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char script[512];
        snprintf(script, sizeof script,
                 "source ./fovea.bash\nCOMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_fovea\n"
                 "for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done\n",
                 lines[i][0]);
        assert_int_equal(shell("/bin/bash", script), 0);
        assert_string_equal(err, "");
        if (strcmp(out, lines[i][1]) != 0) {
            fail_msg("%s: completes to\n%snot\n%s", lines[i][0], out, lines[i][1]);
        }
    }
}

static void check_completion(const char *name, const json_t *command) {
    (void)name;
    size_t i;
    json_t *option;
    json_array_foreach(json_object_get(command, "options"), i, option) {
        assert_has(out, text_of(option, "name"));
    }
}

static void writes_scripts(void **state) {
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        char line[64];
        snprintf(line, sizeof line, "help --completion %s", shells[i]);
        assert_code(0, line);
        each_command(check_completion);
        scratch_file("completion", out, strlen(out));
        snprintf(line, sizeof line, "%s -n completion", shells[i]);
        if (has_program(shells[i])) {
            assert_int_equal(shell("/bin/sh", line), 0);
            assert_string_equal(err, "");
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explains_every_command), cmocka_unit_test(lists_every_command),
        cmocka_unit_test(reads_options),          cmocka_unit_test(writes_a_manual),
        cmocka_unit_test(completes_in_bash),      cmocka_unit_test(writes_scripts),
    };
    setenv("XDG_CACHE_HOME", "/nowhere", 1);
    return cmocka_run_group_tests(tests, open_tree, close_tree);
}
