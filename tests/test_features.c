// SPDX-License-Identifier: Apache-2.0
// The output of frozen layers: where they end, that learning from it changes nothing, and the file it is kept in.
#include "training.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "graph/frozen.h"
#include "train/features.h"

// The model of the other tests, its convolution frozen.
static fv_model *frozen_model(int *end) {
    fv_model *model = picture_model();
    model->graph.parameters[0].trainable = model->graph.parameters[1].trainable = false;
    assert_ok(fv__graph_frozen_end(&model->graph, model->input, model->output, end, &failure));
    return model;
}

static void test_end(void **state) {
    (void)state;
    int end;
    fv_model *model = frozen_model(&end);
    assert_ptr_equal(model->graph.nodes[end].op, &fv__op_reshape); // after it comes dropout
    model->graph.parameters[0].trainable = true;
    assert_ok(fv__graph_frozen_end(&model->graph, model->input, model->output, &end, &failure));
    assert_int_equal(end, model->input);
    // A layer frozen behind a trained one is none of the frozen part.
    model->graph.parameters[2].trainable = model->graph.parameters[3].trainable = false;
    assert_ok(fv__graph_frozen_end(&model->graph, model->input, model->output, &end, &failure));
    assert_int_equal(end, model->input);
    fv_model_free(model);
}

// What the trained part sees must have one place to come from.
static void test_two_doors(void **state) {
    (void)state;
    fv_model *model;
    int end;
    assert_ok(fv_model_create(PICTURE_SIDE, PICTURE_SIDE, 1, "unit", &model, &failure));
    assert_ok(fv_model_add(model, &failure, "conv2d: {filters: 4, kernel: 1}"));
    assert_ok(fv_model_add(model, &failure, "conv2d: {filters: 4, kernel: 1}"));
    assert_ok(fv_model_add(model, &failure, "residual: [{conv2d: {filters: 4, kernel: 1}}]"));
    assert_ok(fv_model_add(model, &failure, "flatten"));
    assert_ok(fv_model_add(model, &failure, "dense: {units: 4}"));
    for (int i = 0; i < 4; i++) {
        model->graph.parameters[i].trainable = false;
    }
    assert_ok(fv__graph_frozen_end(&model->graph, model->input, model->output, &end, &failure));
    assert_ptr_equal(model->graph.nodes[end].op, &fv__op_conv2d); // the second: sum and third read it
    assert_int_equal(model->graph.nodes[end].inputs[1], model->graph.parameters[2].node);
    fv_model_free(model);
}

typedef struct batches {
    int count;
    bool die, slow;
} batches;

static bool on_batch(void *context, size_t done, size_t count, double seconds) {
    batches *seen = context;
    (void)seconds;
    assert_true(done <= count);
    seen->count += done > 0;
    if (seen->die) {
        kill(getpid(), SIGKILL);
    }
    if (seen->slow) {
        usleep(20000);
    }
    return true;
}

static fv__features *open_features(const fv_model *model, int end, const fv__samples *samples, batches *seen) {
    fv__features *features;
    fv__features_options options = {.node = end,
                                    .data = "digest",
                                    .folder = scratch_path("features"),
                                    .threads = 2,
                                    .on_batch = on_batch,
                                    .context = seen};
    assert_ok(fv__features_open(model, samples, &options, &features, &failure));
    return features;
}

// Files in the folder; *path is the last of them.
static int count_files(char path[512]) {
    int count = 0;
    DIR *folder = opendir(scratch_path("features"));
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (entry->d_name[0] != '.') {
            snprintf(path, 512, "%s/%s", scratch_path("features"), entry->d_name);
            count++;
        }
    }
    if (folder) {
        closedir(folder);
    }
    return count;
}

static void test_same_training(void **state) {
    (void)state;
    picture_set set = pictures_make(200, 1);
    fv__samples samples = pictures_samples(&set);
    fv__train_settings settings = picture_settings("{batch: 16, epochs: 3}");
    int end;
    fv_model *plain = frozen_model(&end), *model = frozen_model(&end);
    fv__fit_options options = {.settings = &settings,
                               .train = &samples,
                               .validation = &samples,
                               .run = &(fv_train_options){.size = sizeof(fv_train_options), .threads = 2}};
    assert_ok(fv__fit(plain, &options, &failure));
    batches seen = {0};
    fv__features *features = open_features(model, end, &samples, &seen);
    assert_int_equal(seen.count, 4);
    fv__samples kept = fv__features_samples(features, &samples);
    options.train = options.validation = &kept;
    options.from = end;
    assert_ok(fv__fit(model, &options, &failure));
    assert_memory_equal(plain->weights, model->weights, model->graph.weight_count * sizeof(float));
    fv__features_close(features);
    fv_model_free(plain);
    fv_model_free(model);
    pictures_free(&set);
}

static void test_file(void **state) {
    (void)state;
    picture_set set = pictures_make(100, 2);
    fv__samples samples = pictures_samples(&set);
    int end;
    char path[512];
    fv_model *model = frozen_model(&end);
    batches seen = {0};
    const size_t values = fv__shape_elements(fv__graph_shape(&model->graph, end));
    float first[256], again[256];
    assert_true(values <= 256);
    for (int round = 0; round < 3; round++) {
        fv__features *features = open_features(model, end, &samples, &seen);
        fv__samples kept = fv__features_samples(features, &samples);
        assert_ok(kept.read_values(kept.context, 99, round ? again : first, &failure));
        assert_true(!round || memcmp(first, again, values * sizeof *first) == 0);
        fv__features_close(features);
        assert_int_equal(count_files(path), 1);
        assert_int_equal(seen.count, round < 2 ? 2 : 4); // computed at first, then found, then, cut short, computed
        if (round == 1) {
            assert_int_equal(truncate(path, 1000), 0);
        }
    }
    model->weights[model->graph.parameters[0].offset] += 1;
    fv__features_close(open_features(model, end, &samples, &seen));
    assert_int_equal(count_files(path), 2); // other weights, other features
    model->weights[model->graph.parameters[2].offset] += 1;
    fv__features_close(open_features(model, end, &samples, &seen));
    assert_int_equal(count_files(path), 2); // trained ones do not matter
    fv_model_free(model);
    pictures_free(&set);
}

// In a process of its own: its status as waitpid gives it.
static pid_t start_process(const fv_model *model, int end, const fv__samples *samples, batches seen) {
    pid_t child = fork();
    if (child == 0) {
        fv__features_close(open_features(model, end, samples, &seen));
        _exit(seen.count);
    }
    return child;
}

static void test_processes(void **state) {
    (void)state;
    picture_set set = pictures_make(640, 3);
    fv__samples samples = pictures_samples(&set);
    int end, status[2];
    char path[512];
    fv_model *model = frozen_model(&end);
    pid_t killed = start_process(model, end, &samples, (batches){.die = true});
    assert_int_equal(waitpid(killed, status, 0), killed);
    assert_true(WIFSIGNALED(status[0]));
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = start_process(model, end, &samples, (batches){.slow = true});
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(children[i], &status[i], 0), children[i]);
        assert_true(WIFEXITED(status[i]));
    }
    assert_int_equal(WEXITSTATUS(status[0]) + WEXITSTATUS(status[1]), 10); // one computed the ten batches
    assert_int_equal(count_files(path), 1);
    fv_model_free(model);
    pictures_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_two_doors),
        cmocka_unit_test_setup_teardown(test_same_training, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_file, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_processes, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
