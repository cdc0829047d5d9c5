// Optimizers, held against naive ones in double and, where its numbers are at hand, against Keras.
#include "training.h"

#include <dirent.h>

#include "formats/safetensors.h"

// --- Optimizers against naive ones in double

// Weights of three parameters, the middle one larger than a tile and, if asked, frozen; the last learns slowly.
static void make_graph(fv__graph *graph, bool frozen) {
    int node;
    fv__graph_init(graph);
    assert_ok(
        fv__graph_add_parameter(graph, "a", &(fv__shape){.rank = 1, .size = {37}}, FV__INITIAL_ONES, &node, &failure));
    assert_ok(fv__graph_add_parameter(graph, "b", &(fv__shape){.rank = 1, .size = {20000}}, FV__INITIAL_ONES, &node,
                                      &failure));
    assert_ok(
        fv__graph_add_parameter(graph, "c", &(fv__shape){.rank = 1, .size = {5}}, FV__INITIAL_ONES, &node, &failure));
    graph->parameters[1].trainable = !frozen;
    graph->parameters[2].rate = 0.25F;
}

typedef struct naive_optimizer {
    double first[20100], second[20100];
} naive_optimizer;

// From weight `slow` on at a quarter of the learning rate.
static void naive_step(naive_optimizer *naive, const fv__optimizer_settings *settings, int step, double scale,
                       const float *gradient, double *weight, size_t n, size_t slow) {
    for (size_t i = 0; i < n; i++) {
        double g = (double)gradient[i] * scale, lr = settings->lr * (i < slow ? 1 : 0.25);
        if (settings->kind == FV__OPTIMIZER_SGD) {
            naive->first[i] = settings->momentum * naive->first[i] - lr * g;
            weight[i] += settings->nesterov ? settings->momentum * naive->first[i] - lr * g : naive->first[i];
            continue;
        }
        weight[i] -= settings->kind == FV__OPTIMIZER_ADAMW ? lr * settings->weight_decay * weight[i] : 0;
        naive->first[i] = settings->beta1 * naive->first[i] + (1 - settings->beta1) * g;
        naive->second[i] = settings->beta2 * naive->second[i] + (1 - settings->beta2) * g * g;
        double alpha = lr * sqrt(1 - pow(settings->beta2, step + 1)) / (1 - pow(settings->beta1, step + 1));
        weight[i] -= alpha * naive->first[i] / (sqrt(naive->second[i]) + settings->epsilon);
    }
}

// Tiny gradients too: there the place of epsilon tells.
static void draw_gradients(fv__random *random, const fv__graph *graph, float *gradients) {
    for (int p = 0; p < graph->parameter_count; p++) {
        const fv__parameter *parameter = &graph->parameters[p];
        for (size_t i = 0; parameter->trainable && i < parameter->count; i++) {
            double size = pow(10, -(double)(i % 9));
            gradients[parameter->offset + i] = (float)(size * (2 * fv__random_uniform(random) - 1));
        }
    }
}

static double norm_of(const float *values, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)values[i] * (double)values[i];
    }
    return sqrt(sum);
}

static void check_optimizer(const char *yaml, double clip_norm, bool frozen, int threads) {
    fv__graph graph;
    make_graph(&graph, frozen);
    const size_t n = graph.weight_count;
    const fv__optimizer_settings settings = optimizer_settings(yaml);
    const fv__kernels *kernels;
    fv__pool *pool;
    fv__optimizer optimizer;
    naive_optimizer *naive = calloc(1, sizeof *naive);
    float *weights = fv__alloc_array(n, sizeof *weights), *gradients = fv__alloc_array(n, sizeof *gradients);
    double *expected = calloc(n, sizeof *expected);
    assert_true(naive && weights && gradients && expected && n <= 20100);
    assert_ok(fv__kernels_select(NULL, &kernels, &failure));
    assert_ok(fv__pool_create(threads, &pool, &failure));
    assert_ok(fv__optimizer_init(&optimizer, &settings, clip_norm, &graph, kernels, &failure));
    fv__graph_initialize(&graph, 3, weights);
    for (size_t i = 0; i < n; i++) {
        expected[i] = (double)weights[i];
    }
    fv__random random = fv__random_start(2, FV__DRAW_TEST, 0);
    for (int step = 0; step < 6; step++) {
        draw_gradients(&random, &graph, gradients);
        double norm = norm_of(gradients, n), scale = clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1;
        naive_step(naive, &settings, step, scale, gradients, expected, n, graph.parameters[2].offset);
        assert_ok(fv__optimizer_step(&optimizer, pool, (uint64_t)step, settings.lr, weights, gradients, &failure));
        assert_true(norm_of(gradients, n) == 0); // zeroed for the next step
        for (int p = 0; p < graph.parameter_count; p++) {
            const fv__parameter *parameter = &graph.parameters[p];
            for (size_t i = parameter->offset; i < parameter->offset + parameter->count; i++) {
                double wanted = parameter->trainable ? expected[i] : 1, distance = fabs((double)weights[i] - wanted);
                if (!(distance <= 2e-6)) {
                    fail_msg("%s, step %d, weight %zu: %.9g, expected %.9g", yaml, step, i, (double)weights[i], wanted);
                }
            }
        }
    }
    fv__optimizer_free(&optimizer);
    fv__pool_destroy(pool);
    fv__graph_free(&graph);
    fv__free(weights);
    fv__free(gradients);
    free(expected);
    free(naive);
}

static void test_optimizers(void **state) {
    (void)state;
    static const char *const all[] = {"{sgd: {lr: 0.05}}",
                                      "{sgd: {lr: 0.05, momentum: 0.9}}",
                                      "{sgd: {lr: 0.05, momentum: 0.9, nesterov: true}}",
                                      "adam",
                                      "{adam: {lr: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-3}}",
                                      "{adamw: {lr: 0.002, weight_decay: 0.1}}"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        check_optimizer(all[i], 0, false, 1);
        check_optimizer(all[i], 0, true, 2);
        check_optimizer(all[i], 1.5, false, 3); // clips
        check_optimizer(all[i], 1e4, false, 1); // never reached
    }
}

static void test_infinite_gradient(void **state) {
    (void)state;
    fv__graph graph;
    make_graph(&graph, false);
    const fv__optimizer_settings settings = optimizer_settings("sgd");
    const fv__kernels *kernels;
    fv__pool *pool;
    fv__optimizer optimizer;
    fv_error error = {0};
    float *weights = fv__alloc_array(graph.weight_count, sizeof *weights);
    float *gradients = fv__alloc_array(graph.weight_count, sizeof *gradients);
    assert_ok(fv__kernels_select(NULL, &kernels, &failure));
    assert_ok(fv__pool_create(1, &pool, &failure));
    assert_ok(fv__optimizer_init(&optimizer, &settings, 1, &graph, kernels, &failure));
    gradients[30] = INFINITY;
    assert_int_equal(fv__optimizer_step(&optimizer, pool, 0, 0.1, weights, gradients, &error), FV_NUMERIC);
    assert_true(weights[30] == 0);
    fv__optimizer_free(&optimizer);
    fv__pool_destroy(pool);
    fv__graph_free(&graph);
    fv__free(weights);
    fv__free(gradients);
}

// --- Golden cases

#define GOLDEN FV__SOURCE_DIR "/../shared/golden"

static double config_number(const char *config, const char *key, double missing) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(config, quoted);
    return at ? strtod(at + strlen(quoted), NULL) : missing;
}

static void check_golden_optimizer(const char *path) {
    fv__tensor_file *file;
    assert_ok(fv__safetensors_open(path, &file, &failure));
    const char *config = fv__safetensors_metadata(file, "config");
    const fv__tensor_entry *w0 = fv__safetensors_find(file, "w0"), *w = fv__safetensors_find(file, "w");
    const fv__tensor_entry *all = fv__safetensors_find(file, "gradients");
    const size_t n = (size_t)w0->shape[0];
    fv__optimizer_settings settings = {.kind = strstr(config, "\"sgd")     ? FV__OPTIMIZER_SGD
                                               : strstr(config, "\"adamw") ? FV__OPTIMIZER_ADAMW
                                                                           : FV__OPTIMIZER_ADAM,
                                       .lr = config_number(config, "lr", 0.001),
                                       .momentum = config_number(config, "momentum", 0),
                                       .beta1 = config_number(config, "beta1", 0.9),
                                       .beta2 = config_number(config, "beta2", 0.999),
                                       .epsilon = config_number(config, "epsilon", 1e-7),
                                       .weight_decay = config_number(config, "weight_decay", 0)};
    fv__graph graph;
    int node;
    const fv__kernels *kernels;
    fv__pool *pool;
    fv__optimizer optimizer;
    fv__graph_init(&graph);
    assert_ok(fv__graph_add_parameter(&graph, "w", &(fv__shape){.rank = 1, .size = {(int)n}}, FV__INITIAL_ZEROS, &node,
                                      &failure));
    assert_ok(fv__kernels_select(NULL, &kernels, &failure));
    assert_ok(fv__pool_create(1, &pool, &failure));
    assert_ok(fv__optimizer_init(&optimizer, &settings, config_number(config, "global_clipnorm", 0), &graph, kernels,
                                 &failure));
    float *weights = fv__alloc_array(graph.weight_count, sizeof *weights);
    float *gradients = fv__alloc_array(graph.weight_count, sizeof *gradients);
    memcpy(weights, w0->data, n * sizeof *weights);
    for (size_t step = 0; step < (size_t)w->shape[0]; step++) {
        memcpy(gradients, (const float *)all->data + step * n, n * sizeof *gradients);
        assert_ok(fv__optimizer_step(&optimizer, pool, step, settings.lr, weights, gradients, &failure));
        for (size_t i = 0; i < n; i++) {
            double wanted = (double)((const float *)w->data)[step * n + i];
            if (fabs((double)weights[i] - wanted) > 1e-6 + 1e-6 * fabs(wanted)) {
                fail_msg("%s, step %zu, weight %zu: %.9g, Keras has %.9g", path, step, i, (double)weights[i], wanted);
            }
        }
    }
    fv__optimizer_free(&optimizer);
    fv__pool_destroy(pool);
    fv__graph_free(&graph);
    fv__free(weights);
    fv__free(gradients);
    fv__safetensors_close(file);
}

static void check_golden_top_k(const char *path) {
    fv__tensor_file *file;
    assert_ok(fv__safetensors_open(path, &file, &failure));
    const fv__tensor_entry *logits = fv__safetensors_find(file, "logits");
    const fv__tensor_entry *labels = fv__safetensors_find(file, "labels");
    const float *accuracy = fv__safetensors_find(file, "accuracy")->data;
    int samples = (int)logits->shape[0], classes = (int)logits->shape[1];
    fv__target *targets = calloc((size_t)samples, sizeof *targets);
    float *losses = calloc((size_t)samples, sizeof *losses);
    for (int s = 0; s < samples; s++) {
        targets[s].label = ((const int32_t *)labels->data)[s];
    }
    const int top_k[FV_MAX_TOP] = {1, 5}; // as the case's config says
    fv__metrics metrics = {0};
    fv__metrics_add(&metrics, top_k, classes, losses, logits->data, targets, samples);
    fv_metrics means = fv__metrics_means(&metrics, top_k);
    assert_near(means.top[0], (double)accuracy[0], 1e-6);
    assert_near(means.top[1], (double)accuracy[1], 1e-6);
    free(targets);
    free(losses);
    fv__safetensors_close(file);
}

static void test_golden(void **state) {
    (void)state;
    DIR *folder = opendir(GOLDEN);
    if (!folder) {
        print_message("skipped: the reference cases are not on this machine\n");
        skip();
    }
    int seen = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[1024];
        snprintf(path, sizeof path, GOLDEN "/%s", entry->d_name);
        if (strncmp(entry->d_name, "optimizer_", 10) == 0) {
            check_golden_optimizer(path);
            seen++;
        } else if (strncmp(entry->d_name, "top_k", 5) == 0) {
            check_golden_top_k(path);
            seen++;
        }
    }
    closedir(folder);
    assert_true(seen > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizers),
        cmocka_unit_test(test_infinite_gradient),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
