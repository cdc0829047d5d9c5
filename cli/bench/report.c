// What the times of `fovea bench` are compared with: the operations of every node, and what the matrix kernel reaches
// on this machine in the same minute.
#include <string.h>

#include "base/clock.h"
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
                 .a_size = (size_t)ROWS * DEPTH,
                 .packed_size = kernels->packed_size(DEPTH, COLUMNS),
                 .c_size = (size_t)ROWS * COLUMNS};
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
            double begin = fv__seconds();
            fv__pool_run(pool, threads, multiply, &p);
            double rate = (double)ROWS * COLUMNS * DEPTH * REPEATS * threads / (fv__seconds() - begin);
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

const fv__graph *cli_bench_graph(const cli_benchmark *bench) {
    return bench->training ? fv__pass_graph(bench->trainer->training) : &bench->model->prediction.graph;
}

// How many operands' gradients are computed: each costs as much as the product itself.
static int wanted_gradients(const fv__node *node, const bool *trained) {
    bool values = false, weights = false, wanted_values = false, wanted_weights = false;
    for (int i = 0; i < node->view.input_count; i++) {
        bool wanted = trained[node->inputs[i]], weight = node->view.input_is_weight[i];
        weights |= weight;
        values |= !weight;
        wanted_weights |= weight && wanted;
        wanted_values |= !weight && wanted;
    }
    // Both operands may be of one kind: attention multiplies values, composing weights.
    return values && weights ? wanted_values + wanted_weights : wanted_values || wanted_weights ? 2 : 0;
}

// What is computed again in backward does not count. Work once a step is shared out to the images of a batch.
cli_node_work *cli_bench_work(const cli_benchmark *bench) {
    const fv__graph *graph = cli_bench_graph(bench);
    size_t count = (size_t)graph->node_count;
    cli_node_work *work = fv__alloc_array(count, sizeof *work);
    bool *trained = fv__alloc_array(count, sizeof *trained); // whether anything trainable stands before the node
    for (size_t n = 0; n < count && work && trained; n++) {
        const fv__node *node = &graph->nodes[n];
        trained[n] = node->parameter >= 0 && graph->parameters[node->parameter].trainable;
        for (int i = 0; i < node->view.input_count; i++) {
            trained[n] |= trained[node->inputs[i]];
        }
        double operations = node->op->multiply_adds ? node->op->multiply_adds(&node->view) : 0;
        work[n].forward = operations / (node->view.rate == FV__RATE_STEP ? bench->batch : 1);
        work[n].backward = bench->training ? work[n].forward * wanted_gradients(node, trained) : 0;
    }
    if (!trained) {
        fv__free(work);
        work = NULL;
    }
    fv__free(trained);
    return work;
}

// --- the table

// An empty cell where there is nothing to say.
static void add_number(cli_table *table, bool shown, int digits, double number, const char *unit) {
    char text[CLI_NUMBER_SIZE] = "";
    if (shown) {
        snprintf(text, sizeof text, "%.*f%s", digits, number, unit);
    }
    cli_table_add(table, "%s", text);
}

// Seconds are of one image but for `seconds`, in which `operations` were done.
static void add_row(cli_table *table, const char *name, const char *op, fv__node_time image, double share,
                    double operations, double seconds, double core_peak) {
    bool counts = operations > 0 && seconds > 0;
    cli_table_add(table, "%s", name);
    cli_table_add(table, "%s", op);
    add_number(table, true, 2, 1e6 * image.forward, "");
    add_number(table, image.backward > 0, 2, 1e6 * image.backward, "");
    add_number(table, true, 1, 100 * share, " %");
    add_number(table, counts, 1, 2e-9 * operations / seconds, "");
    add_number(table, counts, 0, 100 * operations / seconds / core_peak, " %");
}

static void add_head(cli_table *table) {
    static const char *const head[] = {"layer", "op", "forward µs", "backward µs", "of time", "GFLOP/s", "of peak"};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_add(table, "%s", head[i]);
    }
}

static int print_nodes(const cli_benchmark *bench, const fv__plan *plan, cli_bench_time time, double peak) {
    const fv__graph *graph = cli_bench_graph(bench);
    double samples = (double)time.steps * bench->batch, all = time.seconds * bench->threads, nodes = 0;
    cli_node_work *work = cli_bench_work(bench);
    cli_table table = {.alignment = "llrrrrr"};
    if (!work) {
        return cli_fail_memory();
    }
    add_head(&table);
    for (int n = 0; n < graph->node_count; n++) {
        fv__node_time spent = fv__plan_time(plan, n);
        double seconds = spent.forward + spent.backward;
        if (seconds > 0) {
            add_row(&table, graph->nodes[n].name, graph->nodes[n].op->name,
                    (fv__node_time){spent.forward / samples, spent.backward / samples}, seconds / all,
                    (work[n].forward + work[n].backward) * samples, seconds, peak / bench->threads);
            nodes += seconds;
        }
    }
    add_row(&table, bench->training ? "(update, sums, input, waiting)" : "(input, waiting)", "",
            (fv__node_time){(all - nodes) / samples, 0}, (all - nodes) / all, 0, 0, 1);
    fv__free(work);
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
