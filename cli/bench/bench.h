// `fovea bench` in three files: the command (bench.c), the work that is timed (bench_work.c), and what the times are
// compared with (bench_report.c).
#ifndef FOVEA_CLI_BENCH_H
#define FOVEA_CLI_BENCH_H

#include "support/cli.h"
#include "train/trainer.h"

typedef struct cli_benchmark {
    fv_model *model;
    bool training;
    int from; // node where samples enter; 0: the model's input
    int batch, threads;
    const fv__kernels *kernels;
    fv__samples samples;  // random, in memory
    int sample_batches;   // how many batches of them come round
    float *values;        // (samples, image or frozen layers' output) for training
    uint8_t *pixels;      // (samples, image) for inference
    int32_t *labels;      //
    float *probabilities; // (batch, classes)
    fv__trainer *trainer; // training only
    size_t next;          // batch that comes next
} cli_benchmark;

// bench_work.c: the messages of failures are printed, the exit code returned.
int cli_bench_prepare(cli_benchmark *bench, const fv__train_settings *settings, uint64_t seed);
void cli_bench_free(cli_benchmark *bench);
int cli_bench_step(cli_benchmark *bench); // one batch

typedef struct cli_bench_time {
    long steps;
    double seconds;
} cli_bench_time;

// Whole steps until both `seconds` and `steps` have passed.
int cli_bench_run(cli_benchmark *bench, double seconds, long steps, cli_bench_time *time);

double cli_peak_memory(void); // largest resident set so far, in MB of 2^20 bytes

// bench_report.c

// Multiply-adds a second of the matrix kernel on all threads at once, its operands in the caches: the best of a few
// tries. 0 when there is no memory.
double cli_measure_peak(const fv__kernels *kernels, int threads);

// The graph that runs: the model's after the algebra pass and, in training, with the loss. After a first step.
const fv__graph *cli_bench_graph(const cli_benchmark *bench);

// Multiply-adds for one image at each node of that graph, forward and (of a training step) backward. To be freed with
// fv__free; NULL when out of memory.
typedef struct cli_node_work {
    double forward, backward;
} cli_node_work;
cli_node_work *cli_bench_work(const cli_benchmark *bench);

// Steps with the clock on in every node, then the table of nodes. `peak` as of cli_measure_peak.
int cli_bench_profile(cli_benchmark *bench, double seconds, double peak);

#endif
