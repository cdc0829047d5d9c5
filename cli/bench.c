// `fovea bench`: images per second of a model on random data, and how that compares with what the machine can do.
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/text.h"
#include "support/json.h"
#include "support/subject.h"

typedef struct benchmark {
    const cli_options *options;
    const char *name;
    fv_bench *bench;
    const fv_bench_info *info;
} benchmark;

// The largest resident set so far, in MB of 2^20 bytes.
static double peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss / 1024 : 0;
}

static const char *mode_of(const benchmark *now) {
    return now->info->training ? "train" : "infer";
}

static int take_steps(const benchmark *now, double seconds, long steps, fv_bench_time *time) {
    fv_error error;
    return fv_bench_run(now->bench, seconds, steps, time, &error) == FV_OK ? CLI_OK : cli_fail(&error);
}

static double rate_of(const benchmark *now, const fv_bench_time *time) {
    return (double)time->steps * now->info->batch / time->seconds;
}

// --- Answers to a program that lets several benchmarks take turns (bench/compare)

static int say_ready(const benchmark *now) {
    return cli_json_print(json_pack("{s:b, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:f}", "ready", 1, "framework",
                                    "fovea", "version", fv_version(), "model", now->name, "mode", mode_of(now), "batch",
                                    now->info->batch, "threads", now->info->threads, "parameters",
                                    (json_int_t)now->info->parameters, "variant", now->info->isa, "peak_mb",
                                    peak_memory()),
                          false);
}

static int answer(const benchmark *now, const fv_bench_time *time) {
    return cli_json_print(json_pack("{s:f, s:I, s:f, s:f}", "img_s", rate_of(now, time), "steps",
                                    (json_int_t)time->steps, "seconds", time->seconds, "peak_mb", peak_memory()),
                          false);
}

static int serve(const benchmark *now) {
    fv_bench_time time;
    int code = take_steps(now, 0.5, 2, &time); // warm up
    if (code == CLI_OK) {
        code = say_ready(now);
    }
    char line[256];
    while (code == CLI_OK && fgets(line, sizeof line, stdin)) {
        double seconds;
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "run ", 4) != 0 || !fv__parse_float(line + 4, &seconds) || seconds < 0) {
            cli_say("'%s': only \"run SECONDS\" is understood here", line);
            return CLI_FAILED;
        }
        code = take_steps(now, seconds, 1, &time);
        if (code == CLI_OK) {
            code = answer(now, &time);
        }
    }
    return code;
}

static int first_prediction(const benchmark *now, double begin) {
    fv_bench_time time;
    const int code = take_steps(now, 0, 1, &time);
    return code != CLI_OK ? code
                          : cli_json_print(json_pack("{s:f, s:f}", "first_prediction_s", fv__seconds() - begin,
                                                     "peak_mb", peak_memory()),
                                           false);
}

// --- For people

// The rate is the best of a few stretches: others may want the machine too.
static int measure(const benchmark *now, double seconds, double *best, double *mean) {
    enum { STRETCHES = 5 };
    fv_bench_time time;
    double steps = 0, spent = 0;
    int code = take_steps(now, 0.3, 2, &time);
    *best = 0;
    for (int i = 0; i < STRETCHES && code == CLI_OK; i++) {
        code = take_steps(now, seconds / STRETCHES, 1, &time);
        const double rate = rate_of(now, &time);
        *best = rate > *best ? rate : *best;
        steps += (double)time.steps;
        spent += time.seconds;
    }
    *mean = code == CLI_OK ? steps * now->info->batch / spent : 0;
    return code;
}

// An empty cell where there is nothing to say.
static void add_number(cli_table *table, bool shown, int digits, double number, const char *unit) {
    char text[CLI_NUMBER_SIZE] = "";
    if (shown) {
        snprintf(text, sizeof text, "%.*f%s", digits, number, unit);
    }
    cli_table_add(table, "%s", text);
}

// A node that took `forward` and `backward` seconds for `samples` images, out of `all` seconds of all threads.
static void add_row(cli_table *table, const fv_bench_node *node, double samples, double all, double core_peak) {
    const double seconds = node->forward_seconds + node->backward_seconds, work = node->multiply_adds * samples;
    const bool counts = work > 0 && seconds > 0;
    cli_table_add(table, "%s", node->name);
    cli_table_add(table, "%s", node->op);
    add_number(table, true, 2, 1e6 * node->forward_seconds / samples, "");
    add_number(table, node->backward_seconds > 0, 2, 1e6 * node->backward_seconds / samples, "");
    add_number(table, true, 1, 100 * seconds / all, " %");
    add_number(table, counts, 1, 2e-9 * work / seconds, "");
    add_number(table, counts, 0, 100 * work / seconds / core_peak, " %");
}

static int print_profile(const benchmark *now, double seconds, double peak) {
    static const char *const head[] = {"layer", "op", "forward µs", "backward µs", "of time", "GFLOP/s", "of peak"};
    const fv_bench_info *info = now->info;
    fv_error error;
    fv_bench_time time;
    cli_table table = {.alignment = "llrrrrr"};
    if (fv_bench_profile(now->bench, seconds, &time, &error) != FV_OK) {
        return cli_fail(&error);
    }
    const double samples = (double)time.steps * info->batch, all = time.seconds * info->threads;
    double nodes = 0;
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_add(&table, "%s", head[i]);
    }
    for (int n = 0; n < info->node_count; n++) {
        const double spent = info->nodes[n].forward_seconds + info->nodes[n].backward_seconds;
        if (spent > 0) {
            add_row(&table, &info->nodes[n], samples, all, peak / info->threads);
        }
        nodes += spent;
    }
    const fv_bench_node rest = {.name = info->training ? "(update, sums, input, waiting)" : "(input, waiting)",
                                .op = "",
                                .forward_seconds = all - nodes};
    add_row(&table, &rest, samples, all, 1);
    return cli_table_print(&table, stdout);
}

static int report(const benchmark *now) {
    const cli_options *options = now->options;
    const fv_bench_info *info = now->info;
    const double seconds = options->seconds > 0 ? options->seconds : 3, work = info->multiply_adds;
    double best, mean, peak = fv_bench_measure_peak(now->bench);
    const int code = measure(now, seconds, &best, &mean);
    if (code != CLI_OK) {
        return code;
    }
    const double again = fv_bench_measure_peak(now->bench);
    peak = again > peak ? again : peak;
    if (peak <= 0) {
        return cli_fail_memory();
    }
    if (options->json) {
        return cli_json_print(json_pack("{s:o, s:s, s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "model",
                                        cli_json_text(now->name), "mode", mode_of(now), "batch", info->batch, "threads",
                                        info->threads, "isa", info->isa, "img_s", best, "mean_img_s", mean, "gflops",
                                        2e-9 * work * best, "peak_gflops", 2e-9 * peak, "share_of_peak",
                                        work * best / peak, "peak_mb", peak_memory()),
                              true);
    }
    char rate[CLI_NUMBER_SIZE], usual[CLI_NUMBER_SIZE], count[CLI_NUMBER_SIZE];
    printf("%s, %s, batch %d, %d thread%s, %s\n", now->name, info->training ? "training" : "inference", info->batch,
           info->threads, info->threads == 1 ? "" : "s", info->isa);
    if (info->after_frozen) {
        printf("after the frozen layers, as from a run's second epoch on (all: --set train.cache_features=false)\n");
    }
    printf("%s img/s (mean %s), %s multiply-adds per image: %.1f GFLOP/s\n", cli_count(rate, best),
           cli_count(usual, mean), cli_count(count, work), 2e-9 * work * best);
    printf("%.1f %% of the %.1f GFLOP/s that matrix products reach here on as many threads; %.0f MB at most\n\n",
           100 * work * best / peak, 2e-9 * peak, peak_memory());
    return print_profile(now, seconds / 2, peak);
}

// --- The command

static int run_on(const cli_options *options, const char *name, const cli_subject *subject, bool training,
                  double begin) {
    fv_error error;
    benchmark now = {.options = options, .name = name};
    const fv_bench_options how = {.size = sizeof how,
                                  .recipe = subject->recipe,
                                  .training = training,
                                  .batch = !options->batch && options->first_prediction ? 1 : options->batch,
                                  .threads = options->threads,
                                  .seed = options->seed,
                                  .no_rewrite = options->no_rewrite};
    const fv_status status = fv_bench_create(subject->model, &how, &now.bench, &error);
    if (status) {
        return status == FV_INVALID && options->batch ? cli_usage(&cli_bench, "--batch: %s", error.message)
                                                      : cli_fail(&error);
    }
    now.info = fv_bench_get_info(now.bench);
    const int code = options->first_prediction ? first_prediction(&now, begin)
                     : options->interactive    ? serve(&now)
                                               : report(&now);
    fv_bench_free(now.bench);
    return code;
}

static int run(const cli_options *options) {
    const char *name = options->argument_count ? options->arguments[0] : "fashion-attention";
    const char *mode = options->mode ? options->mode : "train";
    const double begin = fv__seconds();
    if (strcmp(mode, "train") != 0 && strcmp(mode, "infer") != 0) {
        return cli_usage(&cli_bench, "--mode: '%s' should be train or infer", mode);
    }
    cli_subject subject;
    int code = cli_subject_open(name, options, &subject);
    if (code != CLI_OK) {
        return code;
    }
    code = run_on(options, name, &subject, strcmp(mode, "train") == 0 && !options->first_prediction, begin);
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
