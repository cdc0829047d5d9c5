// What the times of `fovea bench` are compared with: the operations of every node, and what the matrix kernel reaches
// on this machine in the same minute.
#include <string.h>

#include "base/memory.h"
#include "bench.h"

// --- the peak

// One product whose operands fit into a core's own cache; a try takes a few milliseconds, so that some stay
// undisturbed.
enum { ROWS = 192, COLUMNS = 256, DEPTH = 256, REPEATS = 50, TRIES = 60 };

typedef struct product {
    const fv__kernels *kernels;
    float *a, *packed, *c; // a set for each worker
    size_t a_size, packed_size, c_size;
} product;

static void multiply(void *context, int index, int worker) {
    const product *p = context;
    (void)index;
    size_t w = (size_t)worker;
    const fv__gemm gemm = {.rows = ROWS,
                           .columns = COLUMNS,
                           .depth = DEPTH,
                           .segments = 1,
                           .a = p->a + w * p->a_size,
                           .a_row = DEPTH,
                           .a_depth = 1,
                           .b = p->packed + w * p->packed_size,
                           .c = p->c + w * p->c_size,
                           .c_row = COLUMNS};
    for (int i = 0; i < REPEATS; i++) {
        p->kernels->gemm(&gemm);
    }
}

double cli_measure_peak(const fv__kernels *kernels, int threads) {
    product p = {.kernels = kernels,
                 .a_size = ROWS * DEPTH,
                 .packed_size = kernels->packed_size(DEPTH, COLUMNS),
                 .c_size = ROWS * COLUMNS};
    double best = 0;
    fv__pool *pool = NULL;
    p.a = fv__alloc_array((size_t)threads, p.a_size * sizeof(float));
    p.packed = fv__alloc_array((size_t)threads, p.packed_size * sizeof(float));
    p.c = fv__alloc_array((size_t)threads, p.c_size * sizeof(float));
    if (p.a && p.packed && p.c && fv__pool_create(threads, &pool, NULL) == FV_OK) {
        for (size_t i = 0; i < (size_t)threads * p.a_size; i++) {
            p.a[i] = (float)(i % 17) * 0.01f;
        }
        for (int i = 0; i < TRIES; i++) {
            double begin = cli_now();
            fv__pool_run(pool, threads, multiply, &p);
            double rate = (double)ROWS * COLUMNS * DEPTH * REPEATS * threads / (cli_now() - begin);
            best = i > 0 && rate > best ? rate : best; // the first try warms up
        }
    }
    fv__pool_destroy(pool);
    fv__free(p.a);
    fv__free(p.packed);
    fv__free(p.c);
    return best;
}

// --- operations

// Whether anything trainable stands before the node: only then is its gradient computed.
static bool wants_gradient(const fv__graph *graph, int n) {
    const fv__node *node = &graph->nodes[n];
    if (node->parameter >= 0) {
        return graph->parameters[node->parameter].trainable;
    }
    for (int i = 0; i < node->view.input_count; i++) {
        if (wants_gradient(graph, node->inputs[i])) {
            return true;
        }
    }
    return false;
}

// The gradient of each operand of a product costs as much as the product; what is computed again does not count.
cli_node_work cli_bench_work(const cli_benchmark *bench, int n) {
    const fv__graph *graph = &bench->model->graph;
    const fv__node *node = &graph->nodes[n];
    cli_node_work work = {.forward = node->op->multiply_adds ? node->op->multiply_adds(&node->view) : 0};
    if (!bench->training) {
        return work;
    }
    bool values = false, weights = false, has_weights = false;
    for (int i = 0; i < node->view.input_count; i++) {
        bool wanted = wants_gradient(graph, node->inputs[i]), weight = node->view.input_is_weight[i];
        weights |= weight && wanted;
        has_weights |= weight;
        values |= !weight && wanted;
    }
    work.backward = work.forward * (has_weights ? values + weights : values ? 2 : 0);
    return work;
}

// --- the table

static void add_row(cli_table *table, const char *name, const char *op, double forward, double backward, double share,
                    double operations, double seconds, double core_peak) {
    cli_table_add(table, "%s", name);
    cli_table_add(table, "%s", op);
    cli_table_add(table, "%.2f", 1e6 * forward);
    cli_table_add(table, backward > 0 ? "%.2f" : "", 1e6 * backward);
    cli_table_add(table, "%.1f %%", 100 * share);
    bool counts = operations > 0 && seconds > 0;
    cli_table_add(table, counts ? "%.1f" : "", 2e-9 * operations / seconds);
    cli_table_add(table, counts ? "%.0f %%" : "", 100 * operations / seconds / core_peak);
}

static void add_head(cli_table *table) {
    static const char *const head[] = {"layer", "op", "forward µs", "backward µs", "of time", "GFLOP/s", "of peak"};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_add(table, "%s", head[i]);
    }
}

static int print_nodes(const cli_benchmark *bench, const fv__plan *plan, cli_bench_time time, double peak) {
    const fv__graph *graph = &bench->model->graph;
    double samples = (double)time.steps * bench->batch, all = time.seconds * bench->threads, nodes = 0;
    cli_table table = {.alignment = "llrrrrr"};
    add_head(&table);
    // In training one node follows those of the model: the loss.
    for (int n = 0; n < graph->node_count + bench->training; n++) {
        fv__node_time spent = fv__plan_time(plan, n);
        double seconds = spent.forward + spent.backward;
        bool loss = n == graph->node_count;
        if (seconds > 0) {
            cli_node_work work = loss ? (cli_node_work){0} : cli_bench_work(bench, n);
            add_row(&table, loss ? "loss" : graph->nodes[n].name, loss ? "cross_entropy" : graph->nodes[n].op->name,
                    spent.forward / samples, spent.backward / samples, seconds / all,
                    (work.forward + work.backward) * samples, seconds, peak / bench->threads);
            nodes += seconds;
        }
    }
    add_row(&table, bench->training ? "(update, sums, input, waiting)" : "(input, waiting)", "",
            (all - nodes) / samples, 0, (all - nodes) / all, 0, 0, 1);
    return cli_table_print(&table, stdout);
}

int cli_bench_profile(cli_benchmark *bench, double seconds, double peak) {
    fv_error error;
    fv__plan *plan = bench->training     ? fv__pass_plan(bench->trainer->training)
                     : bench->batch == 1 ? bench->model->single
                                         : bench->model->plan;
    cli_bench_time time;
    if (fv__plan_profile(plan, true, &error) != FV_OK) {
        return cli_fail(&error);
    }
    int code = cli_bench_run(bench, seconds, 1, &time);
    if (code == CLI_OK) {
        code = print_nodes(bench, plan, time, peak);
    }
    if (fv__plan_profile(plan, false, &error) != FV_OK && code == CLI_OK) {
        code = cli_fail(&error);
    }
    return code;
}
