// SPDX-License-Identifier: Apache-2.0
// `fovea bench`: images per second of a model on random data, and how that compares with what the machine can do.
#include <string.h>
#include <sys/resource.h>

#include "commands.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/subject.h"
#include "support/table.h"
#include "support/text.h"

typedef struct bench_options {
    cli_source source;
    const char *mode;
    int batch;
    double seconds;
    bool interactive, first_prediction, json;
} bench_options;

typedef struct benchmark {
    const bench_options *options;
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
    return cli_check(fv_bench_run(now->bench, seconds, steps, time, &error), &error);
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
    char line[256];
    CLI_TRY(take_steps(now, 0.5, 2, &time)); // warm up
    CLI_TRY(say_ready(now));
    while (fgets(line, sizeof line, stdin)) {
        double seconds;
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "run ", 4) != 0 || !cli_parse_number(line + 4, &seconds) || seconds < 0) {
            cli_say("'%s': only \"run SECONDS\" is understood here", line);
            return CLI_FAILED;
        }
        CLI_TRY(take_steps(now, seconds, 1, &time));
        CLI_TRY(answer(now, &time));
    }
    return CLI_OK;
}

static int first_prediction(const benchmark *now, double begin) {
    fv_bench_time time;
    CLI_TRY(take_steps(now, 0, 1, &time));
    return cli_json_print(
        json_pack("{s:f, s:f}", "first_prediction_s", cli_seconds() - begin, "peak_mb", peak_memory()), false);
}

// --- For people

// The rate is the best of a few stretches: others may want the machine too.
static int measure(const benchmark *now, double seconds, double *best, double *mean) {
    enum { STRETCHES = 5 };
    fv_bench_time time;
    double steps = 0, spent = 0;
    *best = 0;
    CLI_TRY(take_steps(now, 0.3, 2, &time));
    for (int i = 0; i < STRETCHES; i++) {
        CLI_TRY(take_steps(now, seconds / STRETCHES, 1, &time));
        const double rate = rate_of(now, &time);
        *best = rate > *best ? rate : *best;
        steps += (double)time.steps;
        spent += time.seconds;
    }
    *mean = steps * now->info->batch / spent;
    return CLI_OK;
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
    const fv_bench_info *info = now->info;
    fv_error error;
    fv_bench_time time;
    cli_table table = {.alignment = "llrrrrr"};
    CLI_TRY(cli_check(fv_bench_profile(now->bench, seconds, &time, &error), &error));
    const double samples = (double)time.steps * info->batch, all = time.seconds * info->threads;
    double nodes = 0;
    cli_table_add_row(&table, "layer", "op", "forward µs", "backward µs", "of time", "GFLOP/s", "of peak");
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
    cli_table_print(&table, stdout);
    return CLI_OK;
}

static int report(const benchmark *now) {
    const bench_options *options = now->options;
    const fv_bench_info *info = now->info;
    const double work = info->multiply_adds;
    double best, mean, peak = fv_bench_measure_peak(now->bench);
    CLI_TRY(measure(now, options->seconds, &best, &mean));
    const double again = fv_bench_measure_peak(now->bench);
    peak = again > peak ? again : peak;
    if (peak <= 0) {
        cli_say("out of memory");
        return CLI_FAILED;
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
    cli_line(stdout, "%s, %s, batch %d, %d thread%s, %s", now->name, info->training ? "training" : "inference",
             info->batch, info->threads, info->threads == 1 ? "" : "s", info->isa);
    if (info->after_frozen) {
        printf("after the frozen layers, as from a run's second epoch on (all: --set train.cache_features=false)\n");
    }
    printf("%s img/s (mean %s), %s multiply-adds per image: %.1f GFLOP/s\n", cli_count(rate, best),
           cli_count(usual, mean), cli_count(count, work), 2e-9 * work * best);
    printf("%.1f %% of the %.1f GFLOP/s that matrix products reach here on as many threads; %.0f MB at most\n\n",
           100 * work * best / peak, 2e-9 * peak, peak_memory());
    return print_profile(now, options->seconds / 2, peak);
}

// --- The command

static int run_on(const bench_options *options, const char *name, const cli_subject *subject, double begin) {
    fv_error error;
    benchmark now = {.options = options, .name = name};
    const fv_bench_options how = {.size = sizeof how,
                                  .recipe = subject->recipe,
                                  .training = strcmp(options->mode, "train") == 0 && !options->first_prediction,
                                  .batch = !options->batch && options->first_prediction ? 1 : options->batch,
                                  .threads = options->source.threads,
                                  .seed = options->source.seed,
                                  .no_rewrite = options->source.no_rewrite};
    const fv_status status = fv_bench_create(subject->model, &how, &now.bench, &error);
    if (status == FV_INVALID && options->batch) {
        return cli_usage(&cli_bench, "--batch: %s", error.message);
    }
    CLI_TRY(cli_check(status, &error));
    now.info = fv_bench_get_info(now.bench);
    const int code = options->first_prediction ? first_prediction(&now, begin)
                     : options->interactive    ? serve(&now)
                                               : report(&now);
    fv_bench_free(now.bench);
    return code;
}

static int run(const void *given, const cli_arguments *arguments) {
    const bench_options *options = given;
    const char *name = arguments->count ? arguments->items[0] : "fashion-attention";
    const double begin = cli_seconds();
    cli_subject subject;
    CLI_TRY(cli_subject_open(name, &options->source, &subject));
    const int code = run_on(options, name, &subject, begin);
    cli_subject_free(&subject);
    return code;
}

static const cli_option options[] = {
    CLI_SOURCE_SET(bench_options, source),
    CLI_CHOICE("mode", "MODE", bench_options, mode, "What a step is.", .preset = "train",
               CLI_WORDS({"train", "forward, backward and update"}, {"infer", "bytes to probabilities"})),
    CLI_COUNT("batch", "N", bench_options, batch, "Samples of a step (default: the recipe's)."),
    CLI_NUMBER("seconds", "S", bench_options, seconds, "How long to measure.", .preset = "3"),
    CLI_FLAG("interactive", bench_options, interactive,
             "Wait for lines \"run SECONDS\" on standard input and answer each with a line of JSON, so that several "
             "programs can take turns (bench/compare)."),
    CLI_FLAG("first-prediction", bench_options, first_prediction,
             "Only the time from start to a first prediction: build the model, classify one batch."),
    CLI_SOURCE_NO_REWRITE(bench_options, source),
    CLI_THREADS(bench_options, source.threads),
    CLI_SEED(bench_options, source.seed),
    CLI_JSON(bench_options, json),
    CLI_END};

const cli_command cli_bench = {
    .name = "bench",
    .arguments = "[RECIPE|MODEL|RUN]",
    .sentence = "Speed of a model here, and its share of what the machine can do",
    .details =
        "Times whole steps on random images in memory, and in the same run what the matrix kernel reaches on this "
        "machine; then a table of where the time goes.\n\n"
        "For a recipe with frozen layers it times the training after them, which is what an epoch does once their "
        "output is in the cache.",
    .examples = CLI_EXAMPLES({"fovea bench", "fashion-attention, training"},
                             {"fovea bench mnist-mha --mode infer --batch 1 --threads 1", NULL},
                             {"FOVEA_ISA=x86-64-v3 fovea bench mnist-mha", "another instruction-set level"},
                             {"fovea bench mnist-mha --json", NULL}),
    .options = options,
    .options_size = sizeof(bench_options),
    .values = CLI_RECIPES,
    .most_arguments = 1,
    .run = run,
};
