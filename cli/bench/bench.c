// `fovea bench`: images a second of a recipe's model on random data, and how that compares with what the machine can
// do.
#include "bench.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "recipe/frozen.h"
#include "support/json.h"
#include "support/subject.h"

// Of one image, as run; 0 when out of memory.
static double total_work(const cli_benchmark *bench) {
    double sum = 0;
    cli_node_work *work = cli_bench_work(bench);
    for (int n = 0; work && n < cli_bench_graph(bench)->node_count; n++) {
        sum += work[n].forward + work[n].backward;
    }
    fv__free(work);
    return sum;
}

// Of the layers that run: those behind the frozen part only, where its output is what is learnt from.
static size_t parameters_of(const cli_benchmark *bench) {
    const fv__graph *graph = &bench->model->graph;
    size_t count = 0;
    for (int i = 0; i < graph->parameter_count; i++) {
        count += graph->parameters[i].node > bench->from ? graph->parameters[i].count : 0;
    }
    return count;
}

static const char *mode_of(const cli_benchmark *bench) {
    return bench->training ? "train" : "infer";
}

// --- answers to a program that lets several benchmarks take turns (bench/compare)

static int answer(const cli_benchmark *bench, cli_bench_time time) {
    return cli_json_print(json_pack("{s:f, s:I, s:f, s:f}", "img_s", (double)time.steps * bench->batch / time.seconds,
                                    "steps", (json_int_t)time.steps, "seconds", time.seconds, "peak_mb",
                                    cli_peak_memory()),
                          false);
}

static int serve(cli_benchmark *bench, const char *name) {
    cli_bench_time time;
    int code = cli_bench_run(bench, 0.5, 2, &time); // warm up
    if (code == CLI_OK) {
        code = cli_json_print(json_pack("{s:b, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:f}", "ready", 1, "framework",
                                        "fovea", "version", fv_version(), "model", name, "mode", mode_of(bench),
                                        "batch", bench->batch, "threads", bench->threads, "parameters",
                                        (json_int_t)parameters_of(bench), "variant", bench->kernels->level, "peak_mb",
                                        cli_peak_memory()),
                              false);
    }
    char line[256];
    while (code == CLI_OK && fgets(line, sizeof line, stdin)) {
        double seconds;
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "run ", 4) != 0 || !fv__parse_float(line + 4, &seconds) || seconds < 0) {
            cli_say("'%s': only \"run SECONDS\" is understood here", line);
            return CLI_FAILED;
        }
        code = cli_bench_run(bench, seconds, 1, &time);
        if (code == CLI_OK) {
            code = answer(bench, time);
        }
    }
    return code;
}

static int first_prediction(cli_benchmark *bench, double begin) {
    int code = cli_bench_step(bench);
    if (code != CLI_OK) {
        return code;
    }
    return cli_json_print(
        json_pack("{s:f, s:f}", "first_prediction_s", fv__seconds() - begin, "peak_mb", cli_peak_memory()), false);
}

// --- for people

// The rate is the best of a few stretches: others may want the machine too.
static int measure(cli_benchmark *bench, double seconds, double *best, double *mean) {
    enum { STRETCHES = 5 };
    cli_bench_time time;
    double steps = 0, spent = 0;
    int code = cli_bench_run(bench, 0.3, 2, &time);
    *best = 0;
    for (int i = 0; i < STRETCHES && code == CLI_OK; i++) {
        code = cli_bench_run(bench, seconds / STRETCHES, 1, &time);
        double rate = (double)time.steps * bench->batch / time.seconds;
        *best = rate > *best ? rate : *best;
        steps += (double)time.steps;
        spent += time.seconds;
    }
    *mean = code == CLI_OK ? steps * bench->batch / spent : 0;
    return code;
}

static int report(cli_benchmark *bench, const char *name, const cli_options *options) {
    double seconds = options->seconds > 0 ? options->seconds : 3, best, mean;
    double peak = cli_measure_peak(bench->kernels, bench->threads);
    int code = measure(bench, seconds, &best, &mean);
    if (code != CLI_OK) {
        return code;
    }
    double again = cli_measure_peak(bench->kernels, bench->threads), work = total_work(bench);
    peak = again > peak ? again : peak;
    if (peak <= 0 || work <= 0) {
        return cli_fail_memory();
    }
    if (options->json) {
        return cli_json_print(json_pack("{s:o, s:s, s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "model",
                                        cli_json_text(name), "mode", mode_of(bench), "batch", bench->batch, "threads",
                                        bench->threads, "isa", bench->kernels->level, "img_s", best, "mean_img_s", mean,
                                        "gflops", 2e-9 * work * best, "peak_gflops", 2e-9 * peak, "share_of_peak",
                                        work * best / peak, "peak_mb", cli_peak_memory()),
                              true);
    }
    char rate[CLI_NUMBER_SIZE], usual[CLI_NUMBER_SIZE], count[CLI_NUMBER_SIZE];
    printf("%s, %s, batch %d, %d thread%s, %s\n", name, bench->training ? "training" : "inference", bench->batch,
           bench->threads, bench->threads == 1 ? "" : "s", bench->kernels->level);
    if (bench->from > 0) {
        printf("behind the frozen layers, as from a run's second epoch on (all: --set train.cache_features=false)\n");
    }
    printf("%s img/s (mean %s), %s multiply-adds an image: %.1f GFLOP/s\n", cli_count(rate, best),
           cli_count(usual, mean), cli_count(count, work), 2e-9 * work * best);
    printf("%.1f %% of the %.1f GFLOP/s that matrix products reach here on as many threads; %.0f MB at most\n\n",
           100 * work * best / peak, 2e-9 * peak, cli_peak_memory());
    return cli_bench_profile(bench, seconds / 2, peak);
}

// --- the command

// Where training with this recipe learns from what the frozen layers made of the samples once.
static int find_frozen(cli_benchmark *bench, const fv_recipe *recipe) {
    const char *why_not;
    fv_error error;
    return fv__frozen_end(recipe, bench->model, &bench->from, &why_not, &error) == FV_OK ? CLI_OK : cli_fail(&error);
}

static int run(const cli_options *options) {
    const char *name = options->argument_count ? options->arguments[0] : "fashion-attention";
    const char *mode = options->mode ? options->mode : "train";
    double begin = fv__seconds();
    if (strcmp(mode, "train") != 0 && strcmp(mode, "infer") != 0) {
        return cli_usage(&cli_bench, "--mode: '%s' should be train or infer", mode);
    }
    if (options->batch > FV__MOST_BATCH) {
        return cli_usage(&cli_bench, "--batch: %d is more than the %d samples that a step can have", options->batch,
                         FV__MOST_BATCH);
    }
    cli_benchmark bench = {.training = strcmp(mode, "train") == 0 && !options->first_prediction,
                           .threads = options->threads};
    cli_subject subject;
    fv__train_settings settings;
    int code = cli_subject_open(name, options, &subject);
    if (code != CLI_OK) {
        return code;
    }
    bench.model = subject.model;
    code = cli_subject_settings(&subject, &settings);
    if (code == CLI_OK && bench.training && subject.recipe) {
        code = find_frozen(&bench, subject.recipe);
    }
    if (code == CLI_OK) {
        bench.batch = options->batch ? options->batch : options->first_prediction ? 1 : settings.batch;
        code = cli_bench_prepare(&bench, &settings, options->seed);
    }
    if (code == CLI_OK) {
        code = options->first_prediction ? first_prediction(&bench, begin)
               : options->interactive    ? serve(&bench, name)
                                         : report(&bench, name, options);
    }
    cli_bench_free(&bench);
    cli_subject_free(&subject);
    return code;
}

const cli_command cli_bench = {
    .name = "bench",
    .arguments = "[RECIPE|MODEL|RUN]  [OPTIONS]",
    .sentence = "Speed of a model here, and its share of what the machine can do",
    .details =
        "Times whole steps on random images in memory (forward, backward and update, or inference), and in the\n"
        "same run what the matrix kernel reaches on this machine; then a table of where the time goes.\n"
        "\n"
        "  fovea bench                                     fashion-attention, training\n"
        "  fovea bench mnist-mha --mode infer --batch 1 --threads 1\n"
        "  FOVEA_ISA=x86-64-v3 fovea bench mnist-mha       another instruction-set level\n"
        "  fovea bench mnist-mha --json\n"
        "\n"
        "Of a recipe with frozen layers the training behind them is timed, which is what an epoch does once their\n"
        "output is in the cache.\n"
        "\n"
        "--interactive answers lines \"run SECONDS\" on standard input, so that several programs can take turns\n"
        "(bench/compare). --first-prediction builds the model, classifies one batch and says when it was done.\n",
    .options = "set mode batch seconds interactive first-prediction no-rewrite",
    .most_arguments = 1,
    .run = run,
};
