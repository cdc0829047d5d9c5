// SPDX-License-Identifier: Apache-2.0
// The whole program as its users run it. The examples too.
#include "program.h"

// --- help and mistakes

static void teaches(void **state) {
    (void)state;
    assert_code(0, "");
    assert_has(out, "Exit codes");
    assert_code(0, "--help");
    assert_code(0, "help recipe");
    assert_has(out, "multi_head_attention");
    assert_has(out, "label_smoothing");
    assert_code(0, "help recipes");
    assert_has(out, "fashion-attention");
    assert_code(0, "help recipe mnist-mha");
    assert_has(out, "norm_l");
    assert_code(0, "version --json");
    assert_has(out, "\"isa\"");
    static const char *const libraries[] = {"libyaml", "jansson", "zlib",  "libmd",   "libarchive", "libjpeg-turbo",
                                            "libspng", "giflib",  "cairo", "libcurl", "libhdf5"};
    assert_code(0, "version");
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        assert_has(out, libraries[i]);
    }
}

static void suggests(void **state) {
    (void)state;
    assert_code(2, "trian");
    assert_has(err, "did you mean 'train'?");
    assert_string_equal(out, "");
    assert_code(2, "eval trained --spilt test");
    assert_has(err, "did you mean --split?");
    assert_code(2, "train small.yaml --top 3");
    assert_has(err, "it belongs to: eval, predict");
    assert_code(2, "train small.yaml --csv"); // which eval and predict take in two ways
    assert_has(err, "it belongs to: eval, predict");
    assert_code(2, "train --threads");
    assert_has(err, "needs a value");
    assert_code(2, "train small.yaml --threads zwei");
    assert_has(err, "a whole number");
    assert_code(2, "train");
    assert_code(2, "train a b");
    assert_code(2, "eval trained --split all");
    assert_code(2, "data shwo mnist");
    assert_has(err, "show");
    assert_code(2, "train small.yaml --set train.epoch=2 --out none");
    assert_has(err, "epochs");
    assert_code(1, "train fashion-atention --out none");
    assert_has(err, "fashion-attention");
    assert_code(1, "eval fashion-attention");
    assert_has(err, "is a recipe");
    assert_code(1, "predict nowhere");
    assert_has(err, "no such file");
}

// --- training and what follows

// The columns of history.csv are what a line of --json says.
static void assert_same_names(const char *history) {
    static char text[OUTPUT_SIZE];
    char *save = NULL, quoted[64];
    slurp(scratch_path(history), text);
    for (char *name = strtok_r(strtok(text, "\n"), ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        snprintf(quoted, sizeof quoted, "\"%s\":", name);
        assert_has(out, quoted);
    }
}

static void trains(void **state) {
    (void)state;
    static const char *const files[] = {"model.safetensors", "history.csv", "recipe.yaml", "run.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        snprintf(path, sizeof path, "trained/%s", files[i]);
        assert_int_equal(access(scratch_path(path), R_OK), 0);
    }
    assert_code(1, "train small.yaml --out trained");
    assert_has(err, "not empty");
    assert_code(0, "train small.yaml --set train.epochs=2 --set data.limit=20 --out two --threads 1");
    assert_has(err, "Data: fashion-mnist, train 20 × 28 × 28 × 1, test 20; 10 classes");
    assert_has(err, "Epoch 2/2  2/2");
    assert_has(out, "Test: loss ");
    assert_has(out, " on 20 samples");
    assert_has(err, "val_top3: ");
    assert_null(strchr(err, '\r')); // no terminal, no drawing
    assert_has(out, "fovea eval two");
    assert_code(0, "train small.yaml --set train.epochs=1 --out quiet --quiet");
    assert_string_equal(err, "");
    assert_string_equal(out, "");
    assert_code(0, "train small.yaml --set train.epochs=1 --out lines --json --quiet");
    assert_has(out, "\"val_accuracy\":");
    assert_has(out, "{\"test_loss\":");
    assert_same_names("lines/history.csv");
    assert_code(0, "train small.yaml --set train.epochs=1 --out written --quiet --no-rewrite "
                   "--set train.loss={cross_entropy:\1{label_smoothing:\1"
                   "0.1}}");
    assert_code(0, "eval written --no-rewrite");
    assert_has(out, "label smoothing 0.1, as trained");
    assert_code(0, "eval written --set train.loss=cross_entropy");
    assert_null(strstr(out, "smoothing"));
    assert_code(2, "train --resume written --no-rewrite");
    assert_has(err, "--no-rewrite cannot be given");
    assert_code(0, "train small.yaml --set train.epochs=1 --quiet");
    assert_int_equal(access(scratch_path("runs"), R_OK), 0);
}

static void evaluates(void **state) {
    (void)state;
    assert_code(0, "eval trained");
    assert_has(out, "accuracy  100.00 %");
    assert_has(out, "top-3");
    assert_code(0, "eval trained/model.safetensors --split train --top 2 --json --set data.limit=30");
    assert_has(out, "\"samples\": 30");
    assert_has(out, "\"top2\": ");
    assert_code(2, "eval trained --top 10");
    assert_code(1, "eval trained --data mnist");
    assert_has(err, "mnist not found");
}

static void predicts(void **state) {
    (void)state;
    assert_code(0, "predict trained");
    assert_has(out, "10 of 10 right");
    assert_code(0, "predict trained --samples train:3,5,7-8 --top 2");
    assert_has(out, "4 of 4 right");
    assert_has(out, "true class");
    assert_code(0, "predict trained --samples 39- --json --top 1");
    assert_has(out, "\"index\": 39");
    assert_has(out, "\"correct\": true");
    static const char *const wrong[] = {"40", "5-3", "x", "3,", "all:3", "", "-4", "1-2-3", "test:"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[64];
        snprintf(line, sizeof line, "predict trained --samples=%s", wrong[i]);
        assert_code(2, line);
        assert_has(err, "--samples");
    }
}

// The lines of a file of the scratch folder.
static size_t count_lines(const char *name) {
    slurp(scratch_path(name), err);
    size_t lines = 0;
    for (const char *at = err; (at = strchr(at, '\n')); at++) {
        lines++;
    }
    return lines;
}

static void explains(void **state) {
    (void)state;
#ifdef FV__WITH_CAIRO
    assert_code(0, "explain trained --samples test:3,7");
    assert_has(out, "explained/test-3.png\nexplained/test-7.png\n");
    assert_has(err, "true ");
    slurp(scratch_path("explained/test-7.png"), out);
    assert_memory_equal(out, "\x89PNG", 4);
    assert_code(0, "explain trained --samples 3 --method attention --query 2,5 --quiet -o heads");
    assert_string_equal(out, "heads/test-3-attention.png\n");
    assert_string_equal(err, "");
#endif
    assert_code(0, "explain trained --samples 3 --format csv --class Bag -o numbers --quiet");
    assert_int_equal(count_lines("numbers/test-3.csv"), 1 + 28 * 28);
    assert_has(err, "row,column,received,rollout,gradient,grad-cam,occlusion\n0,0,");
    assert_code(0, "explain trained --samples 3 --method attention --format csv -o numbers");
    assert_int_equal(count_lines("numbers/test-3-attention.csv"), 1 + 36 * 36);
    assert_has(err, "head,query,key,weight\n0,0,0,");
    assert_code(0, "explain trained --samples 3 --method attention --format npy -o numbers");
    struct stat about;
    assert_int_equal(stat(scratch_path("numbers/test-3-attention.npy"), &about), 0);
    assert_int_equal(about.st_size, 128 + 36 * 36 * 4);
    assert_code(0, "explain trained --samples 3 --method attention --format json -o numbers");
    slurp(scratch_path("numbers/test-3.json"), out);
    assert_has(out, "\"axes\":[\"head\",\"query\",\"key\"],\"shape\":[1,36,36]");
    assert_has(out, "\"rows\":6,\"columns\":6,\"origin\":[2.0,2.0],\"step\":[4.0,4.0],\"field\":[5.0,5.0]");
    assert_code(0, "explain trained --samples 0-2 --method grad-cam --faithfulness --json -o numbers");
    assert_has(out, "\"explained_probability\"");
    assert_has(out, "\"random\"");
    assert_has(out, "\"insertion\"");
    assert_code(0, "explain trained --samples 0 --method grad-cam --faithfulness -q -o numbers");
    assert_has(out, "deletion, less is better");
    static const char *const wrong[][2] = {{"--method rolout", "did you mean 'rollout'"},
                                           {"--layer attenton", "did you mean 'attention'"},
                                           {"--class Bagg", "did you mean 'Bag'"},
                                           {"--head one", "--head"},
                                           {"--query 6,0", "6 × 6 tokens"},
                                           {"--format gif", "png, npy"},
                                           {"--head 1 --method received", "head"},
                                           {"--method gradient --query 0", "--query is for the methods received"},
                                           {"--method slots --faithfulness", "whole layers"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[128];
        snprintf(line, sizeof line, "explain trained --samples 3 -o wrong %s", wrong[i][0]);
        assert_code(2, line);
        assert_has(err, wrong[i][1]);
    }
    assert_code(1, "explain trained --samples 3 --method slots");
    assert_has(err, "--method attention");
}

static void summarizes(void **state) {
    (void)state;
    assert_code(0, "summary fashion-attention");
    assert_has(out, "1,203,978");
    assert_has(out, "4,719,872 instead of 14,609,792");
    assert_has(out, "conv2d and conv2d_1 are one layer: 0.92 instead of 10.81 million");
    assert_code(0, "summary fashion-attention --no-rewrite");
    assert_null(strstr(out, "instead of"));
    assert_code(0, "summary fashion-attention --plan");
    assert_has(
        out, "phase 5: tiles, tasks: 72\n    13  backward  dense (dense)  reads a6 a7 a11  writes a12"); // docs/plan.md
    assert_code(0, "summary mnist-mha --json");
    assert_has(out, "\"parameters\": 472906");
    assert_code(0, "summary trained --threads 2");
    assert_has(out, "batch 16");
}

static void benchmarks(void **state) {
    (void)state;
    assert_code(2, "bench small.yaml --batch 65537");
    assert_has(err, "it must be 1 to 65536");
    const char *lines = scratch_file("turns", "run 0.01\nrun 0.01\n", 18);
    assert_int_equal(run_program(FV__PROGRAM, "bench small.yaml --interactive --threads 2", lines), 0);
    assert_has(out, "\"ready\":true");
    char *answer = strstr(out, "\"img_s\":");
    assert_non_null(answer);
    assert_non_null(strstr(answer + 1, "\"img_s\":"));
    assert_code(0, "bench small.yaml --mode infer --batch 1 --first-prediction");
    assert_has(out, "first_prediction_s");
    assert_code(0, "bench small.yaml --mode infer --seconds 0.02 --threads 1");
    assert_has(out, "attention");
    assert_code(2, "bench small.yaml --mode both");
    // Behind frozen layers; all 9,145,154 parameters where nothing is cached.
    assert_int_equal(run_program(FV__PROGRAM, "bench cats-dogs-mhsa --batch 1 --interactive", lines), 0);
    assert_has(out, "\"parameters\":6887170");
    assert_code(0, "bench cats-dogs-mhsa --batch 1 --interactive --set train.cache_features=false");
    assert_has(out, "\"parameters\":9145154");
}

// --- interruption

// Trains into `folder`, sends the signal after the first epoch's line, and returns the exit code.
static int interrupt(const char *folder, int number) {
    char command[256], line[1];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(command, sizeof command, "train small.yaml --out %s --seed 3 --json --checkpoint-steps 1", folder);
    pid_t child = start(FV__PROGRAM, command, NULL, ends[1]);
    close(ends[1]);
    while (read(ends[0], line, 1) == 1 && line[0] != '\n') {
    }
    assert_int_equal(kill(child, number), 0);
    while (read(ends[0], line, 1) == 1) { // it must not die of a closed pipe
    }
    close(ends[0]);
    return finish(child);
}

static void resumes_after_interrupt(void **state) {
    (void)state;
    assert_int_equal(interrupt("interrupted", SIGINT), 130);
    assert_has(err, "fovea train --resume interrupted");
    assert_code(0, "train --resume interrupted");
    assert_true(same_files("interrupted/model.safetensors", "trained/model.safetensors"));
    assert_code(2, "train small.yaml --resume interrupted");
    assert_code(2, "train --resume interrupted --set train.epochs=50");
    assert_code(0, "train --resume interrupted");
    assert_has(out, "finished already");
}

static void resumes_after_kill(void **state) {
    (void)state;
    assert_int_equal(interrupt("killed", SIGKILL), 128 + SIGKILL);
    assert_code(0, "train --resume killed --threads 1");
    assert_true(same_files("killed/model.safetensors", "trained/model.safetensors"));
    assert_code(1, "train --resume nowhere");
    assert_has(err, "not a run to resume");
}

// --- trouble

static void imports(void **state) {
    (void)state;
    // Another model of the same layers takes the trained weights over, with names of its own for the classes.
    scratch_file("names.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj", 19);
    assert_code(0, "import small.yaml trained/model.safetensors --classes names.txt --out taken.safetensors");
    assert_has(out, "dense/kernel            (144, 10)     =  dense/kernel (144, 10)");
    assert_has(out, "6 of 6 weights matched");
    assert_has(out, "written: taken.safetensors");
    assert_code(0, "eval trained --json");
    char loss[64];
    const char *at = strstr(out, "\"loss\"");
    assert_non_null(at);
    snprintf(loss, sizeof loss, "%.*s", (int)strcspn(at, "\n"), at);
    assert_code(0, "eval taken.safetensors --json");
    assert_has(out, loss);
    assert_code(0, "predict taken.safetensors --json");
    assert_has(out, "\"class\": \"j\"");
    // What does not fit is told, and nothing is written.
    assert_code(1, "import small.yaml trained/model.safetensors --set model.5.dense.units=10 --set "
                   "model.5.dense.name=head --out none.safetensors");
    assert_has(out, "head/kernel");
    assert_has(out, "not in the file");
    assert_has(out, "left over: dense/kernel (144, 10)");
    assert_has(err, "2 of 6 weights do not fit");
    assert_int_not_equal(access(scratch_path("none.safetensors"), F_OK), 0);
    assert_code(0, "import small.yaml trained/model.safetensors --set model.5.dense.name=head --map dense/*=head/*");
    assert_code(0, "import small.yaml trained/model.safetensors --set model.5.dense.name=head --partial --json --out "
                   "some.safetensors");
    assert_has(out, "\"matched\": 4");
    assert_has(out, "\"written\": \"some.safetensors\"");
    assert_int_equal(access(scratch_path("some.safetensors"), R_OK), 0);
    assert_code(0, "import small.yaml trained/model.safetensors --set model.5.dense.name=head --layer conv2d");
    assert_has(out, "2 of 2 weights matched");
    assert_code(1, "import small.yaml trained/model.safetensors --classes small.yaml");
    assert_has(err, "but the model has 10 classes");
    assert_code(2, "import small.yaml");
    assert_code(1, "import small.yaml nothing");
    assert_has(err, "no weights are called 'nothing'");
}

static void lists_weights(void **state) {
    (void)state;
    assert_code(0, "weights");
    assert_has(out, "mobilenet-v2-1.0-224");
    assert_has(out, "not here");
    assert_code(0, "weights check trained/model.safetensors");
    assert_has(out, "dense/kernel");
    assert_has(out, "6 arrays");
    assert_has(out, "all finite");
    assert_code(0, "weights check trained/model.safetensors --json");
    assert_has(out, "\"finite\": true");
    assert_code(1, "weights check small.yaml");
    assert_has(err, "neither HDF5");
    assert_code(1, "weights get mobilnet-v2-1.0-224");
    assert_has(err, "did you mean 'mobilenet-v2-1.0-224'?");
    assert_code(2, "weights got");
    assert_code(1, "train small.yaml --set weights=mobilenet-v2-1.0-224 --out none");
    assert_has(err, "fovea weights get mobilenet-v2-1.0-224");
    // A recipe that begins with trained weights predicts like a model.
    assert_code(0, "eval small.yaml --set weights=./trained/model.safetensors");
}

static void fails_with_a_sentence(void **state) {
    (void)state;
    static const char bad[] =
        "data: fashion-mnist\ninput: {size: [28, 28, 1]}\nmodel:\n  - flatten\n  - dense: {unit: 9}\n";
    scratch_file("bad.yaml", bad, strlen(bad));
    assert_code(1, "train ./bad.yaml");
    assert_has(err, "bad.yaml:5");
    assert_has(err, "units");
    assert_code(1, "train small.yaml --set data.path=./nowhere --out none");
    assert_has(err, "nowhere");
    assert_code(1, "train small.yaml --set train.epochs=1 --out small.yaml/run"); // not a folder
    assert_has(err, "small.yaml");
    assert_code(1, "train small.yaml --set train.optimizer={sgd:\1{lr:\0011e300}} --out diverged");
    assert_has(err, "not finite");
    scratch_file("torn.safetensors", "no model", 8);
    assert_code(1, "eval torn.safetensors");
    assert_has(err, "torn.safetensors");
}

static void notices_a_full_disk(void **state) {
    (void)state;
    int full = open("/dev/full", O_WRONLY);
    if (full < 0) {
        skip();
    }
    assert_int_equal(finish(start(FV__PROGRAM, "predict trained", NULL, full)), 1);
    assert_has(err, "No space left");
    close(full);
}

// --- examples

static void examples_work(void **state) {
    (void)state;
    assert_int_equal(run_program(FV__EXAMPLE_TRAIN, "./small.yaml", NULL), 0);
    assert_has(out, "trained.safetensors");
    assert_int_equal(run_program(FV__EXAMPLE_BUILD, "", NULL), 0);
    assert_null(strstr(out, "DIFFERENT"));
    assert_int_equal(run_program(FV__EXAMPLE_ATTENTION, "", NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(teaches),
        cmocka_unit_test(suggests),
        cmocka_unit_test(trains),
        cmocka_unit_test(evaluates),
        cmocka_unit_test(predicts),
        cmocka_unit_test(explains),
        cmocka_unit_test(summarizes),
        cmocka_unit_test(benchmarks),
        cmocka_unit_test(resumes_after_interrupt),
        cmocka_unit_test(resumes_after_kill),
        cmocka_unit_test(imports),
        cmocka_unit_test(lists_weights),
        cmocka_unit_test(fails_with_a_sentence),
        cmocka_unit_test(notices_a_full_disk),
        cmocka_unit_test(examples_work),
    };
    return cmocka_run_group_tests(tests, open_world, scratch_close);
}
