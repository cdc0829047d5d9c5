// SPDX-License-Identifier: Apache-2.0
// Runs that stop and go on: whatever happens in between, the model has the same bits as without it.
#include "training.h"

#include <jansson.h>
#include <signal.h>
#include <sys/wait.h>

#include "formats/csv.h"
#include "formats/safetensors.h"
#include "train/session.h"

static const char settings_text[] = "{batch: 16, epochs: 3, optimizer: {adamw: {lr: 0.01}}, keep_best: true,"
                                    " clip_norm: 1, metrics: [accuracy, top2]}";
enum { SAMPLES = 100, STEPS = 7 }; // of an epoch

static picture_set train, validation;

static int make_pictures(void **state) {
    train = pictures_make(SAMPLES, 1);
    validation = pictures_make(50, 2);
    return scratch_open(state);
}

static int free_pictures(void **state) {
    pictures_free(&train);
    pictures_free(&validation);
    return scratch_close(state);
}

static fv_status run_with(const char *settings_yaml, const char *recipe, const char *data, const fv_train_options *run,
                          fv_error *error) {
    fv__train_settings settings = picture_settings(settings_yaml);
    fv__samples train_samples = pictures_samples(&train), validation_samples = pictures_samples(&validation);
    fv_model *model = picture_model();
    fv__fit_options options = {.settings = &settings,
                               .train = &train_samples,
                               .validation = &validation_samples,
                               .recipe = recipe,
                               .data = data,
                               .data_set = "pictures",
                               .run = run};
    fv__run_folder folder;
    fv_status status = run->folder ? fv__run_folder_open(&folder, run->folder, run->resume, error) : FV_OK;
    if (!status) {
        options.folder = run->folder ? &folder : NULL;
        status = fv__fit_prepare(model, &options, error);
        status = status ? status : fv__fit(model, &options, error);
        if (run->folder) {
            fv__run_folder_close(&folder);
        }
    }
    fv_model_free(model);
    return status;
}

static fv_status run(const fv_train_options *options, fv_error *error) {
    return run_with(settings_text, "a recipe", "a digest", options, error);
}

// --- Comparing

static void assert_same_file(const char *folder, const char *other, const char *name) {
    char path[600];
    uint8_t *a, *b;
    size_t a_size, b_size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(fv__file_read(path, 0, &a, &a_size, &failure));
    snprintf(path, sizeof path, "%s/%s", other, name);
    assert_ok(fv__file_read(path, 0, &b, &b_size, &failure));
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    fv__free(a);
    fv__free(b);
}

// All but the columns that tell times.
static void assert_same_history(const char *folder, const char *other) {
    char path[600];
    fv__table a, b;
    snprintf(path, sizeof path, "%s/history.csv", folder);
    assert_ok(fv__csv_read(path, &a, &failure));
    snprintf(path, sizeof path, "%s/history.csv", other);
    assert_ok(fv__csv_read(path, &b, &failure));
    assert_true(a.rows == b.rows && a.columns == b.columns && a.rows == 3 && a.columns == 10);
    assert_int_equal(fv__table_column(&a, "val_top2"), 7);
    assert_int_equal(fv__table_column(&a, "img_s"), 9);
    for (size_t row = 0; row < a.rows; row++) {
        for (size_t column = 0; column < 8; column++) {
            assert_string_equal(fv__table_field(&a, row, column), fv__table_field(&b, row, column));
        }
    }
    fv__table_free(&a);
    fv__table_free(&b);
}

static void assert_same_run(const char *folder, const char *other) {
    assert_same_file(folder, other, "model.safetensors");
    assert_same_history(folder, other);
}

// The run that was never stopped.
static const char *reference(void) {
    static char folder[512];
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s", scratch_path("reference"));
        assert_ok(run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = folder, .seed = 11, .threads = 2},
                      &failure));
    }
    return folder;
}

static char *read_text(const char *folder, const char *name) {
    char path[600];
    uint8_t *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(fv__file_read(path, 0, &bytes, &size, &failure));
    return (char *)bytes;
}

static void assert_report(const char *folder, const char *state) {
    char *text = read_text(folder, "run.json");
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "state")), state);
    json_decref(root);
    fv__free(text);
}

// --- Stopping by the callback

typedef struct stopper {
    int at; // steps and ends of epochs to let pass
} stopper;

static bool stop_at(void *context, const fv_event *event) {
    stopper *stop = context;
    if (!event->progress) {
        return true;
    }
    return stop->at-- > 0;
}

static void test_run_folder(void **state) {
    (void)state;
    const char *folder = reference();
    char *text = read_text(folder, "recipe.yaml");
    assert_string_equal(text, "a recipe");
    fv__free(text);
    text = read_text(folder, "run.json");
    json_t *root = json_loads(text, 0, NULL);
    static const char *const keys[] = {"fovea",      "state",   "isa",   "cpu",     "threads", "seed",   "data",
                                       "parameters", "started", "ended", "seconds", "img_s",   "metrics"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!json_object_get(root, keys[i])) {
            fail_msg("run.json has no %s: %s", keys[i], text);
        }
    }
    assert_int_equal(json_integer_value(json_object_get(root, "seed")), 11);
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "data"), "sha256")), "a digest");
    json_t *metrics = json_object_get(root, "metrics");
    assert_int_equal(json_integer_value(json_object_get(metrics, "epoch")), 3);
    assert_true(json_real_value(json_object_get(metrics, "val_accuracy")) > 0.5);
    assert_report(folder, "finished");
    json_decref(root);
    fv__free(text);
}

static void test_every_interruption(void **state) {
    (void)state;
    const char *expected = reference();
    for (int at = 0; at < 3 * (STEPS + 1); at += 3) { // in the middle, at the end, and between epochs
        char folder[64];
        snprintf(folder, sizeof folder, "stop%d", at);
        const char *path = scratch_path(folder);
        stopper stop = {at};
        fv_error error = {0};
        assert_int_equal(run(&(fv_train_options){.size = sizeof(fv_train_options),
                                                 .folder = path,
                                                 .seed = 11,
                                                 .threads = 1 + at % 3,
                                                 .on_event = stop_at,
                                                 .context = &stop},
                             &error),
                         FV_INTERRUPTED);
        assert_says(error, "can be resumed");
        assert_report(path, "interrupted");
        // The seed is the run's, whatever is given now.
        assert_ok(run(
            &(fv_train_options){
                .size = sizeof(fv_train_options), .folder = path, .resume = true, .seed = 99, .threads = 3 - at % 3},
            &failure));
        assert_same_run(expected, path);
        assert_report(path, "finished");
    }
}

// A run stopped within an epoch leaves the model of the last whole one, also where that was too short to be written.
static void test_model_of_whole_epochs(void **state) {
    (void)state;
    char two[512], path[512];
    fv_error error = {0};
    snprintf(two, sizeof two, "%s", scratch_path("two-epochs"));
    snprintf(path, sizeof path, "%s", scratch_path("within-third"));
    assert_ok(run_with("{batch: 16, epochs: 2}", "a recipe", "",
                       &(fv_train_options){.size = sizeof(fv_train_options), .folder = two}, &failure));
    stopper stop = {2 * (STEPS + 1) + 3};
    const fv_train_options stopped = {.size = sizeof stopped, .folder = path, .on_event = stop_at, .context = &stop};
    assert_int_equal(run_with("{batch: 16, epochs: 9}", "a recipe", "", &stopped, &error), FV_INTERRUPTED);
    assert_says(error, "in epoch 3, after step 4");
    assert_same_file(two, path, "model.safetensors");
}

static bool ran_rewritten(const char *folder) {
    char *text = read_text(folder, "run.json");
    json_t *root = json_loads(text, 0, NULL);
    bool rewritten = json_is_true(json_object_get(root, "rewrite"));
    json_decref(root);
    fv__free(text);
    return rewritten;
}

// A run keeps to the model as written, or rewritten, whatever is asked when it goes on.
static void test_rewrite_is_kept(void **state) {
    (void)state;
    const char *names[] = {"written", "rewritten"};
    for (int rewrite = 0; rewrite < 2; rewrite++) {
        const char *folder = scratch_path(names[rewrite]);
        stopper stop = {3};
        fv_train_options options = {.size = sizeof options,
                                    .folder = folder,
                                    .seed = 11,
                                    .threads = 1,
                                    .no_rewrite = !rewrite,
                                    .on_event = stop_at,
                                    .context = &stop};
        assert_int_equal(run(&options, &failure), FV_INTERRUPTED);
        assert_ok(run(
            &(fv_train_options){
                .size = sizeof(fv_train_options), .folder = folder, .resume = true, .no_rewrite = rewrite},
            &failure));
        assert_int_equal(ran_rewritten(folder), rewrite);
    }
    assert_same_run(reference(), scratch_path(names[1]));
}

static void test_many_interruptions(void **state) {
    (void)state;
    const char *path = scratch_path("often");
    fv_status status = FV_INTERRUPTED;
    for (int i = 0; status == FV_INTERRUPTED; i++) {
        stopper stop = {1};
        status = run(&(fv_train_options){.size = sizeof(fv_train_options),
                                         .folder = path,
                                         .resume = i > 0,
                                         .seed = 11,
                                         .threads = 1,
                                         .on_event = stop_at,
                                         .context = &stop},
                     &failure);
    }
    assert_int_equal(status, FV_OK);
    assert_same_run(reference(), path);
}

// --- Stopping without warning

static bool die_at(void *context, const fv_event *event) {
    stopper *stop = context;
    if (!event->progress) {
        return true;
    }
    if (stop->at-- == 0) {
        kill(getpid(), SIGKILL);
    }
    return true;
}

// A run that is killed at call number `at`, and goes on.
static void kill_and_resume(const char *settings, const char *path, int at) {
    pid_t child = fork();
    if (child == 0) {
        stopper stop = {at};
        const fv_train_options options = {.size = sizeof options,
                                          .folder = path,
                                          .seed = 11,
                                          .threads = 2,
                                          .checkpoint_steps = 2,
                                          .on_event = die_at,
                                          .context = &stop};
        run_with(settings, "a recipe", "a digest", &options, NULL);
        _exit(1);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
    const fv_train_options options = {.size = sizeof options, .folder = path, .resume = true, .threads = 2};
    assert_ok(run_with(settings, "a recipe", "a digest", &options, &failure));
}

static void test_kill(void **state) {
    (void)state;
    const char *expected = reference();
    for (int at = 1; at < 3 * (STEPS + 1); at += 5) {
        char folder[64];
        snprintf(folder, sizeof folder, "kill%d", at);
        const char *path = scratch_path(folder);
        kill_and_resume(settings_text, path, at);
        assert_same_run(expected, path);
    }
}

// The best epoch is the first, which is too short for its model to be written at its end.
static void test_kill_after_best(void **state) {
    (void)state;
    static const char nothing_learnt[] = "{batch: 16, epochs: 3, keep_best: true, optimizer: {sgd: {lr: 1e-30}}}";
    const char *path = scratch_path("after-best");
    kill_and_resume(nothing_learnt, path, STEPS + 1 + 4);
    char model[600];
    snprintf(model, sizeof model, "%s/model.safetensors", path);
    assert_true(fv__file_exists(model));
}

// --- What is refused

static void test_finished_run(void **state) {
    (void)state;
    const char *path = reference();
    fv_error error = {0};
    // Nothing is left to do, and nothing is changed.
    assert_ok(run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = path, .resume = true, .threads = 1},
                  &failure));
    assert_report(path, "finished");
    assert_int_equal(run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = path}, &error), FV_INVALID);
    assert_says(error, "already holds a run");
    assert_int_equal(
        run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = scratch_path("nowhere"), .resume = true},
            &error),
        FV_NOT_FOUND);
    assert_says(error, "nowhere");
    assert_int_equal(run(&(fv_train_options){.size = sizeof(fv_train_options), .resume = true}, &error), FV_INVALID);
}

// A run stopped after `steps` steps, in a folder of its own.
static const char *stopped_run(const char *name, int steps) {
    const char *path = scratch_path(name);
    stopper stop = {steps};
    assert_int_equal(run(&(fv_train_options){.size = sizeof(fv_train_options),
                                             .folder = path,
                                             .seed = 11,
                                             .threads = 1,
                                             .on_event = stop_at,
                                             .context = &stop},
                         NULL),
                     FV_INTERRUPTED);
    return path;
}

static void assert_refused(const char *path, fv_status expected, const char *message) {
    fv_error error = {0};
    assert_int_equal(run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = path, .resume = true}, &error),
                     expected);
    assert_says(error, "checkpoint.safetensors");
    assert_says(error, message);
}

static void write_checkpoint(const char *path, const void *bytes, size_t size) {
    char file[600];
    snprintf(file, sizeof file, "%s/checkpoint.safetensors", path);
    assert_ok(fv__file_write(file, bytes, size, &failure));
}

static void test_damaged_checkpoints(void **state) {
    (void)state;
    const char *path = stopped_run("damaged", 4);
    char file[600];
    uint8_t *whole;
    size_t size;
    snprintf(file, sizeof file, "%s/checkpoint.safetensors", path);
    assert_ok(fv__file_read(file, 0, &whole, &size, &failure));
    uint8_t *bytes = malloc(size);

    static const double parts[] = {0, 0.0001, 0.3, 0.9, 0.9999};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) { // torn
        write_checkpoint(path, whole, (size_t)((double)size * parts[i]));
        assert_refused(path, FV_FORMAT, "");
    }
    for (int i = 1; i <= 3; i++) { // damaged inside
        memcpy(bytes, whole, size);
        bytes[size - (size_t)i * size / 8] ^= 4;
        write_checkpoint(path, bytes, size);
        assert_refused(path, FV_FORMAT, "damaged");
    }
    memcpy(bytes, whole, size);
    memset(bytes + size / 2, 0, size - size / 2);
    write_checkpoint(path, bytes, size);
    assert_refused(path, FV_FORMAT, "damaged");

    // Another safetensors file.
    snprintf(file, sizeof file, "%s/model.safetensors", reference());
    uint8_t *model;
    size_t model_size;
    assert_ok(fv__file_read(file, 0, &model, &model_size, &failure));
    write_checkpoint(path, model, model_size);
    assert_refused(path, FV_FORMAT, "not a checkpoint");
    fv__free(model);

    write_checkpoint(path, whole, size);
    assert_ok(run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = path, .resume = true}, &failure));
    assert_same_run(reference(), path);
    fv__free(whole);
    free(bytes);
}

static void test_foreign_checkpoints(void **state) {
    (void)state;
    const char *path = stopped_run("foreign", 4);
    const fv_train_options resume = {.size = sizeof resume, .folder = path, .resume = true};
    fv_error error = {0};
    assert_int_equal(run_with(settings_text, "another recipe", "a digest", &resume, &error), FV_INVALID);
    assert_says(error, "another recipe");
    assert_int_equal(run_with(settings_text, "a recipe", "another digest", &resume, &error), FV_INVALID);
    assert_says(error, "other data");
    assert_report(path, "interrupted"); // nothing of it was touched
    assert_int_equal(run_with("{optimizer: sgd}", "a recipe", "a digest", &resume, &error), FV_FORMAT);
    assert_says(error, "tensors, but this training keeps");
}

static void test_other_level(void **state) {
    (void)state;
    const fv__kernels *used, *other = NULL;
    assert_ok(fv__kernels_select(NULL, &used, &failure));
    for (int i = 0; fv__kernels_available(i) && !other; i++) {
        other = fv__kernels_available(i) != used ? fv__kernels_available(i) : NULL;
    }
    if (!other) {
        skip();
    }
    const char *path = stopped_run("level", 4), *before = getenv("FOVEA_ISA");
    char *kept = before ? strdup(before) : NULL, advice[64];
    snprintf(advice, sizeof advice, "FOVEA_ISA=%s", used->level);
    setenv("FOVEA_ISA", other->level, 1);
    assert_refused(path, FV_UNSUPPORTED, advice);
    setenv("FOVEA_ISA", used->level, 1);
    assert_ok(run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = path, .resume = true}, &failure));
    assert_same_run(reference(), path);
    if (kept) {
        setenv("FOVEA_ISA", kept, 1);
    } else {
        unsetenv("FOVEA_ISA");
    }
    free(kept);
}

// --- Places that cannot be written

static void test_unwritable_folder(void **state) {
    (void)state;
    scratch_file("occupied", "x", 1);
    fv_error error = {0};
    assert_int_equal(
        run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = scratch_path("occupied/run")}, &error),
        FV_IO);
    assert_says(error, "occupied");
}

// One process at a time, and no empty folder of a run that did not begin.
static void test_owner(void **state) {
    (void)state;
    fv__run_folder folder, other;
    fv_error error = {0};
    const char *path = scratch_path("owned");
    assert_ok(fv__run_folder_open(&folder, path, false, &failure));
    assert_int_equal(fv__run_folder_open(&other, path, false, &error), FV_IO);
    assert_says(error, "another process is training there");
    assert_true(fv__folder_exists(path));
    fv__run_folder_close(&folder);
    assert_false(fv__folder_exists(path));
    assert_ok(fv__make_folders(path, &failure));
    assert_ok(fv__run_folder_open(&folder, path, false, &failure));
    fv__run_folder_close(&folder);
    assert_true(fv__folder_exists(path)); // somebody else had made it
}

static void test_full_disk(void **state) {
    (void)state;
    const char *path = scratch_path("full");
    char history[600];
    snprintf(history, sizeof history, "%s/history.csv", path);
    assert_ok(fv__make_folders(path, &failure));
    if (access("/dev/full", W_OK) != 0 || symlink("/dev/full", history) != 0) {
        skip();
    }
    fv_error error = {0};
    const fv_train_options first = {.size = sizeof first, .folder = path, .seed = 11, .checkpoint_steps = 3};
    assert_int_equal(run(&first, &error), FV_IO);
    assert_says(error, "history.csv");
    assert_says(error, "No space left");
    assert_int_equal(unlink(history), 0); // there is room again
    assert_ok(run(&(fv_train_options){.size = sizeof(fv_train_options), .folder = path, .resume = true}, &failure));
    assert_same_run(reference(), path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_folder),
        cmocka_unit_test(test_every_interruption),
        cmocka_unit_test(test_many_interruptions),
        cmocka_unit_test(test_model_of_whole_epochs),
        cmocka_unit_test(test_rewrite_is_kept),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_kill_after_best),
        cmocka_unit_test(test_finished_run),
        cmocka_unit_test(test_damaged_checkpoints),
        cmocka_unit_test(test_foreign_checkpoints),
        cmocka_unit_test(test_other_level),
        cmocka_unit_test(test_unwritable_folder),
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, make_pictures, free_pictures);
}
