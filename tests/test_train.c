// SPDX-License-Identifier: Apache-2.0
// Training settings, schedules, metrics and the loop of epochs on small pictures.
#include "allocations.h"
#include "training.h"

// --- Settings

static void test_tables(void **state) {
    (void)state;
    assert_ok(fv__options_check(fv__train_options, "train", &failure));
    const fv__variant *lists[] = {fv__optimizer_variants, fv__schedule_variants, fv__loss_variants};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const fv__variant *variant = lists[i]; variant->name; variant++) {
            assert_ok(fv__options_check(variant->options, variant->name, &failure));
            assert_true(variant->sentence && *variant->sentence);
        }
    }
}

static void test_defaults(void **state) {
    (void)state;
    fv__train_settings settings;
    assert_ok(fv__train_settings_read(NULL, &settings, &failure));
    assert_int_equal(settings.batch, 32);
    assert_int_equal(settings.optimizer.kind, FV__OPTIMIZER_ADAM);
    assert_true(settings.optimizer.lr == 0.001 && settings.optimizer.beta1 == 0.9 &&
                settings.optimizer.beta2 == 0.999 && settings.optimizer.epsilon == 1e-7);
    assert_int_equal(settings.schedule.kind, FV__SCHEDULE_CONSTANT);
    assert_true(settings.shuffle && !settings.keep_best && settings.top_k[0] == 0 && settings.clip_norm == 0);
}

static void test_settings(void **state) {
    (void)state;
    const char *text = "batch: 128\nepochs: 7\noptimizer: {adamw: {lr: 2e-3, weight_decay: 1e-4}}\n"
                       "schedule: {cosine: {warmup_epochs: 0.5, floor: 0.1}}\n"
                       "loss: {cross_entropy: {label_smoothing: 0.1}}\nmetrics: [accuracy, top5, top3]\n"
                       "clip_norm: 1.5\nshuffle: false\nkeep_best: true\npatience: 3\n";
    fv__train_settings settings = picture_settings(text);
    assert_int_equal(settings.optimizer.kind, FV__OPTIMIZER_ADAMW);
    assert_true(settings.optimizer.lr == 2e-3 && settings.optimizer.weight_decay == 1e-4);
    assert_true(settings.schedule.warmup_epochs == 0.5 && settings.schedule.floor == 0.1);
    assert_true(settings.label_smoothing == 0.1 && settings.clip_norm == 1.5 && settings.patience == 3);
    assert_true(settings.top_k[0] == 5 && settings.top_k[1] == 3 && settings.top_k[2] == 0);

    // Written and read again they are the same.
    fv__document *document = fv__document_new("again");
    fv__value *section;
    fv__train_settings again;
    assert_ok(fv__train_settings_write(&settings, document, &section, &failure));
    assert_ok(fv__train_settings_read(section, &again, &failure));
    assert_memory_equal(&settings.optimizer, &again.optimizer, sizeof again.optimizer);
    assert_memory_equal(&settings.schedule, &again.schedule, sizeof again.schedule);
    assert_memory_equal(settings.top_k, again.top_k, sizeof again.top_k);
    assert_true(again.label_smoothing == 0.1 && again.patience == 3 && again.keep_best && !again.shuffle);
    fv__document_free(document);
}

static void test_refused_settings(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"optimizer: adm", "did you mean 'adam'"},
        {"optimizer: {adam: {beta3: 1}}", "did you mean 'beta1'"},
        {"optimizer: {adam: {lr: 0}}", "above 0"},
        {"optimizer: {sgd: {momentum: 1}}", "below 1"},
        {"optimizer: {sgd: {beta1: 0.9}}", "sgd has no option 'beta1'"},
        {"epochs: 3\n\nschedule: {cosinus: {}}", "t.yaml:3"},
        {"schedule: {step: {factor: 0.5}}", "step.every is missing"},
        {"schedule: {cosine: {warmup_epochs: 1, warmup_steps: 5}}", "either warmup_epochs or warmup_steps"},
        {"loss: hinge", "there is no 'hinge'"},
        {"loss: {cross_entropy: {label_smoothing: 1}}", "below 1"},
        {"metrics: [accuracy, top1]", "like top5"},
        {"metrics: [top5, accuracy, top5]", "top5 appears twice"},
        {"optimizer: {adam: {beta1: 0.99999999}}", "0 to 0.999999"},
        {"optimizer: {adamw: {epsilon: 1e-46}}", "1e-30 to 1"},
        {"metrics: [top2, top3, top4, top5, top6]", "at most 4"},
        {"epochs: 0", "train.epochs"},
        {"bach: 3", "did you mean 'batch'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv__document *document;
        fv__train_settings settings;
        fv_error error = {0};
        assert_ok(fv__document_parse(cases[i].text, strlen(cases[i].text), "t.yaml", &document, &failure));
        assert_int_equal(fv__train_settings_read(fv__document_root(document), &settings, &error), FV_INVALID);
        assert_says(error, cases[i].message);
        assert_says(error, "t.yaml:");
        fv__document_free(document);
    }
}

// --- Schedules

static void test_schedules(void **state) {
    (void)state;
    fv__schedule_settings constant = {.kind = FV__SCHEDULE_CONSTANT};
    assert_true(fv__schedule_rate(&constant, 0.5, 1234, 10, 3) == 0.5);

    fv__schedule_settings step = {.kind = FV__SCHEDULE_STEP, .every = 2, .factor = 0.1};
    assert_true(fv__schedule_rate(&step, 1, 0, 10, 9) == 1);
    assert_true(fv__schedule_rate(&step, 1, 19, 10, 9) == 1);
    assert_near(fv__schedule_rate(&step, 1, 20, 10, 9), 0.1, 1e-12);
    assert_near(fv__schedule_rate(&step, 1, 59, 10, 9), 0.01, 1e-12);

    fv__schedule_settings cosine = {.kind = FV__SCHEDULE_COSINE, .floor = 0.2};
    assert_true(fv__schedule_rate(&cosine, 2, 0, 10, 10) == 2);
    assert_near(fv__schedule_rate(&cosine, 2, 50, 10, 10), 2 * 0.6, 1e-12);
    assert_near(fv__schedule_rate(&cosine, 2, 100, 10, 10), 2 * 0.2, 1e-12);

    cosine = (fv__schedule_settings){.kind = FV__SCHEDULE_COSINE, .warmup_epochs = 0.5};
    assert_near(fv__schedule_rate(&cosine, 1, 0, 10, 10), 0.2, 1e-12);
    assert_near(fv__schedule_rate(&cosine, 1, 4, 10, 10), 1, 1e-12);
    assert_near(fv__schedule_rate(&cosine, 1, 5, 10, 10), 1, 1e-12);
    cosine = (fv__schedule_settings){.kind = FV__SCHEDULE_COSINE, .warmup_steps = 4};
    assert_near(fv__schedule_rate(&cosine, 1, 1, 10, 10), 0.5, 1e-12);
    assert_near(fv__schedule_rate(&cosine, 1, 52, 10, 10), 0.5, 1e-12);
}

// --- Metrics

static void test_metrics(void **state) {
    (void)state;
    const float logits[] = {1, 3, 2, 0, /**/ 2, 2, 1, 0, /**/ 2, 2, 1, 0, /**/ 0, 1, 2, 2};
    const fv__target targets[] = {{1, 1, 0, 1}, {0, 0, 0, 1}, {1, 1, 0, 1}, {1, 1, 0, 1}};
    const float losses[] = {0.5F, 1, 1.5F, 3};
    const int top_k[FV_MAX_TOP] = {2, 3};
    fv__metrics metrics = {0};
    fv__metrics_add(&metrics, top_k, 4, losses, logits, targets, 4);
    fv_metrics means = fv__metrics_means(&metrics, top_k);
    assert_true(means.loss == 1.5 && means.samples == 4);
    assert_true(means.accuracy == 0.5); // of two equal logits the first counts
    assert_true(means.top[0] == 0.75);  // a tie is within the top k: fewer than k are larger
    assert_true(means.top[1] == 1 && means.top_k[1] == 3 && means.top_k[2] == 0);
}

// --- Training

// A model trained on pictures, for the caller to free; the status must be the expected one.
static fv_model *fit_pictures(const char *yaml, const fv_train_options *run, size_t count, fv_status expected,
                              fv_error *error) {
    picture_set train = pictures_make(count, 1), validation = pictures_make(96, 2);
    fv__samples train_samples = pictures_samples(&train), validation_samples = pictures_samples(&validation);
    fv__train_settings settings = picture_settings(yaml);
    fv_model *model = picture_model();
    fv__fit_options options = {
        .settings = &settings, .train = &train_samples, .validation = &validation_samples, .run = run};
    fv_status status = fv__fit(model, &options, error);
    if (status != expected) {
        fail_msg("%s: status %d, expected %d: %s", yaml, status, expected, error->message);
    }
    pictures_free(&train);
    pictures_free(&validation);
    return model;
}

// Three pictures of one class and one of another, balanced, are as good as three of each.
static void test_balanced(void **state) {
    (void)state;
    static const size_t which[] = {0, 1, 2, 3, 3, 3};
    picture_set few = pictures_make(4, 5), many = pictures_make(6, 5);
    for (size_t i = 0; i < 6; i++) {
        memcpy(many.pixels + i * PICTURE_BYTES, few.pixels + which[i] * PICTURE_BYTES, PICTURE_BYTES);
        many.labels[i] = which[i] == 3;
    }
    memcpy(few.labels, many.labels, 4 * sizeof *few.labels);
    fv_model *models[2];
    for (int i = 0; i < 2; i++) {
        fv__train_settings settings =
            picture_settings(i ? "{batch: 6, epochs: 3, optimizer: {sgd: {lr: 0.1}}}"
                               : "{batch: 4, epochs: 3, optimizer: {sgd: {lr: 0.1}}, class_weights: balanced}");
        fv__samples samples = pictures_samples(i ? &many : &few);
        fv_model *model;
        assert_ok(fv_model_create(PICTURE_SIDE, PICTURE_SIDE, 1, "unit", &model, &failure));
        assert_ok(fv_model_add(model, &failure, "flatten"));
        assert_ok(fv_model_add(model, &failure, "dense: {units: 2}"));
        fv__fit_options options = {.settings = &settings,
                                   .train = &samples,
                                   .run = &(fv_train_options){.size = sizeof(fv_train_options), .threads = 1}};
        assert_ok(fv__fit(model, &options, &failure));
        models[i] = model;
    }
    for (size_t i = 0; i < models[0]->graph.weight_count; i++) {
        assert_near((double)models[0]->weights[i], (double)models[1]->weights[i], 1e-6);
    }
    fv_model_free(models[0]);
    fv_model_free(models[1]);
    pictures_free(&few);
    pictures_free(&many);
}

static bool keep_last(void *context, const fv_event *event) {
    if (event->progress) {
        *(fv_progress *)context = *event->progress;
    }
    return true;
}

static void test_learns(void **state) {
    (void)state;
    static const char *const settings[] = {
        "{batch: 16, epochs: 6, optimizer: {adam: {lr: 0.01}}, metrics: [top2]}",
        "{batch: 16, epochs: 8, optimizer: {sgd: {lr: 0.05, momentum: 0.9}}, schedule: {cosine: {warmup_steps: 5}}}",
        ("{batch: 16, epochs: 6, optimizer: {adamw: {lr: 0.01}}, clip_norm: 1,"
         " loss: {cross_entropy: {label_smoothing: 0.1}}}")};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        fv_progress last = {0};
        fv_error error = {0};
        fv_model *model =
            fit_pictures(settings[i],
                         &(fv_train_options){
                             .size = sizeof(fv_train_options), .threads = 2, .on_event = keep_last, .context = &last},
                         300, FV_OK, &error);
        assert_true(last.epoch == last.epochs && last.steps == 19 && last.step == 19);
        assert_true(last.train.samples == 300 && last.validation.samples == 96);
        if (last.validation.accuracy < 0.95 || last.train.accuracy < 0.9) {
            fail_msg("%s: accuracy %g, validation %g", settings[i], last.train.accuracy, last.validation.accuracy);
        }
        assert_true(last.learning_rate > 0 && last.images_per_second > 0 && last.seconds > 0);
        fv_model_free(model);
    }
}

static void test_threads(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 3, 4, 8};
    float *first = NULL;
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        fv_error error = {0};
        fv_model *model =
            fit_pictures("{batch: 24, epochs: 2, clip_norm: 1, optimizer: adamw}",
                         &(fv_train_options){.size = sizeof(fv_train_options), .threads = threads[i], .seed = 5}, 100,
                         FV_OK, &error);
        size_t bytes = model->graph.weight_count * sizeof(float);
        if (!first) {
            first = malloc(bytes);
            memcpy(first, model->weights, bytes);
        } else {
            assert_memory_equal(first, model->weights, bytes);
        }
        fv_model_free(model);
    }
    free(first);
}

// A batch that is not full is averaged over its own size: the same step as with a batch of that size.
static void test_partial_batch(void **state) {
    (void)state;
    picture_set train = pictures_make(40, 1);
    fv__samples samples = pictures_samples(&train);
    const uint32_t indices[] = {3, 17, 8, 30, 21};
    fv_model *models[2];
    fv__metrics metrics[2] = {0};
    for (int i = 0; i < 2; i++) {
        models[i] = picture_model();
        fv__train_settings settings = picture_settings(i ? "{batch: 5, optimizer: {sgd: {lr: 0.5}}}"
                                                         : "{batch: 32, optimizer: {sgd: {lr: 0.5}}}");
        fv__trainer *trainer;
        assert_ok(fv__trainer_create(models[i], &settings, &(fv__trainer_options){.threads = 1, .train_samples = 40},
                                     &trainer, &failure));
        assert_ok(fv__trainer_step(trainer, &samples, indices, 5, &metrics[i], &failure));
        fv__trainer_destroy(trainer);
    }
    assert_true(metrics[0].samples == 5 && metrics[1].samples == 5);
    assert_near(metrics[0].loss, metrics[1].loss, 1e-5);
    for (size_t i = 0; i < models[0]->graph.weight_count; i++) {
        assert_near((double)models[0]->weights[i], (double)models[1]->weights[i], 1e-6);
    }
    fv_model_free(models[0]);
    fv_model_free(models[1]);
    pictures_free(&train);
}

static void test_epoch_order(void **state) {
    (void)state;
    fv__trainer trainer = {.settings = {.shuffle = true}, .seed = 7};
    uint32_t first[50], second[50], again[50];
    bool seen[50] = {false};
    fv__trainer_order(&trainer, 1, 50, first);
    fv__trainer_order(&trainer, 2, 50, second);
    fv__trainer_order(&trainer, 1, 50, again);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, second, sizeof first);
    for (int i = 0; i < 50; i++) {
        assert_false(seen[second[i]]);
        seen[second[i]] = true;
    }
    trainer.settings.shuffle = false;
    fv__trainer_order(&trainer, 1, 50, first);
    assert_true(first[0] == 0 && first[49] == 49);
}

static void test_numeric_failure(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model_free(fit_pictures("{batch: 16, epochs: 3, optimizer: {sgd: {lr: 1e30}}}",
                               &(fv_train_options){.size = sizeof(fv_train_options)}, 64, FV_NUMERIC, &error));
    assert_says(error, "epoch 1, step ");
    assert_says(error, "train.optimizer lr, now 1e+30");
    assert_says(error, "clip_norm");
}

static fv_status broken_read(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    if (index == 13) {
        return fv__fail(error, FV_FORMAT, "picture 13 is damaged");
    }
    return pictures_read(context, index, pixels, error);
}

static void test_reading_fails(void **state) {
    (void)state;
    picture_set train = pictures_make(40, 1);
    fv__samples samples = pictures_samples(&train);
    samples.read = broken_read;
    fv__train_settings settings = picture_settings("{batch: 16, epochs: 2, shuffle: false}");
    fv_model *model = picture_model(), *fresh = picture_model();
    fv__fit_options options = {.settings = &settings,
                               .train = &samples,
                               .run = &(fv_train_options){.size = sizeof(fv_train_options), .threads = 2}};
    fv_error error = {0};
    assert_int_equal(fv__fit(model, &options, &error), FV_FORMAT);
    assert_says(error, "picture 13 is damaged");
    assert_memory_equal(model->weights, fresh->weights, model->graph.weight_count * sizeof(float));
    train.labels[5] = PICTURE_CLASSES;
    assert_int_equal(fv__fit(model, &options, &error), FV_INVALID);
    assert_says(error, "sample 5 is of class 4");
    fv_model_free(model);
    fv_model_free(fresh);
    pictures_free(&train);
}

// --- The best epoch

static bool count_epochs(void *context, const fv_event *event) {
    *(int *)context += event->kind == FV_EVENT_EPOCH;
    return true;
}

static void test_early_stopping(void **state) {
    (void)state;
    int epochs = 0;
    fv_error error = {0};
    fv_train_options run = {.size = sizeof run, .on_event = count_epochs, .context = &epochs};
    // Nothing is learned: the first epoch stays the best, and two more are waited for.
    fv_model_free(fit_pictures("{epochs: 9, patience: 2, optimizer: {sgd: {lr: 1e-30}}}", &run, 64, FV_OK, &error));
    assert_int_equal(epochs, 3);
    fv__train_settings settings = picture_settings("{patience: 2}");
    picture_set train = pictures_make(8, 1);
    fv__samples samples = pictures_samples(&train);
    fv_model *model = picture_model();
    fv__fit_options options = {.settings = &settings, .train = &samples, .run = &run};
    assert_int_equal(fv__fit(model, &options, &error), FV_INVALID);
    assert_says(error, "data.validation is none");
    fv_model_free(model);
    pictures_free(&train);
}

static void test_keep_best(void **state) {
    (void)state;
    // An absurd rate after the first epoch spoils the weights: what is kept are those of the first.
    picture_set train = pictures_make(160, 1), validation = pictures_make(96, 2);
    fv__samples train_samples = pictures_samples(&train), validation_samples = pictures_samples(&validation);
    fv_model *models[2];
    for (int i = 0; i < 2; i++) {
        fv__train_settings settings =
            picture_settings(i ? "{batch: 16, epochs: 1, optimizer: {adam: {lr: 0.01}}}"
                               : "{batch: 16, epochs: 2, keep_best: true, optimizer: {adam: {lr: 0.01}},"
                                 " schedule: {step: {every: 1, factor: 1}}}");
        settings.schedule.factor = 1e4;
        models[i] = picture_model();
        fv__fit_options options = {.settings = &settings,
                                   .train = &train_samples,
                                   .validation = &validation_samples,
                                   .run = &(fv_train_options){.size = sizeof(fv_train_options), .threads = 1}};
        assert_ok(fv__fit(models[i], &options, &failure));
    }
    assert_memory_equal(models[0]->weights, models[1]->weights, models[0]->graph.weight_count * sizeof(float));
    fv_model_free(models[0]);
    fv_model_free(models[1]);
    pictures_free(&train);
    pictures_free(&validation);
}

// --- Memory

// Every allocation of building the trainer and making a step fails once.
// The last update can leave weights that are finite and a model that is not.
static void test_validation_overflows(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model_free(fit_pictures("{batch: 64, epochs: 1, optimizer: {sgd: {lr: 1e30}}}",
                               &(fv_train_options){.size = sizeof(fv_train_options)}, 64, FV_NUMERIC, &error));
    assert_says(error, "the validation loss is not finite after epoch 1");
}

static void test_allocation_failures(void **state) {
    (void)state;
    picture_set train = pictures_make(40, 1);
    fv__samples samples = pictures_samples(&train);
    fv__train_settings settings = picture_settings("{batch: 16, epochs: 1, keep_best: true, clip_norm: 1}");
    fv_status status = FV_MEMORY;
    long limit = 0;
    for (; status == FV_MEMORY; limit++) {
        fv_model *model = picture_model();
        fv__fit_options options = {.settings = &settings,
                                   .train = &samples,
                                   .validation = &samples,
                                   .run = &(fv_train_options){.size = sizeof(fv_train_options), .threads = 2}};
        fv_error error = {0};
        limit_allocations(limit);
        status = fv__fit(model, &options, &error);
        lift_limit();
        assert_true(status == FV_OK || status == FV_MEMORY);
        fv_model_free(model);
    }
    assert_int_equal(status, FV_OK);
    assert_true(limit > 20);
    pictures_free(&train);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_refused_settings),
        cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_metrics),

        cmocka_unit_test(test_balanced),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_partial_batch),
        cmocka_unit_test(test_epoch_order),
        cmocka_unit_test(test_numeric_failure),
        cmocka_unit_test(test_reading_fails),
        cmocka_unit_test(test_early_stopping),
        cmocka_unit_test(test_validation_overflows),
        cmocka_unit_test(test_keep_best),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
