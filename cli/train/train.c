// SPDX-License-Identifier: Apache-2.0
// `fovea train`: a recipe becomes a run folder.
#include "train.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "support/interrupt.h"
#include "support/memory.h"
#include "support/paths.h"
#include "support/progress.h"
#include "support/recipe.h"
#include "support/say.h"

typedef struct training {
    const train_options *options;
    const fv_recipe *recipe;
    fv_progress last; // of the last epoch
    fv_metrics test;  // no samples: there was no test set
} training;

static bool on_event(void *context, const fv_event *event) {
    training *now = context;
    const bool go_on = !cli_interrupted();
    if (event->kind == FV_EVENT_START && !now->options->source.quiet) {
        cli_train_begin(now->recipe, event->model, event->training, event->validation);
    } else if (event->kind == FV_EVENT_TEST) {
        now->test = *event->metrics;
    }
    if (go_on || event->kind == FV_EVENT_EPOCH) { // the last words of a run are not drawn over
        cli_train_show(now->options, event, &now->last);
    }
    return go_on;
}

// runs/RECIPE-YYYYMMDD-HHMMSS; release with free.
static char *default_folder(const char *recipe) {
    const char *base = cli_last_part(recipe), *ending = strstr(base, ".yaml");
    const time_t now = time(NULL);
    struct tm local;
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    return cli_format("runs/%.*s-%s", (int)(ending ? ending - base : (long)strlen(base)), base, stamp);
}

// A folder with something in it may be somebody's run.
static bool is_taken(const char *path) {
    DIR *folder = opendir(path);
    bool taken = false;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        taken |= strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    if (folder) {
        closedir(folder);
    }
    return taken;
}

static int train(const train_options *options, const fv_recipe *recipe, const char *folder) {
    training now = {.options = options, .recipe = recipe};
    const fv_train_options how = {.size = sizeof how,
                                  .folder = folder,
                                  .resume = options->resume != NULL,
                                  .threads = options->source.threads,
                                  .seed = options->source.seed,
                                  .checkpoint_steps = options->checkpoint_steps,
                                  .no_rewrite = options->source.no_rewrite,
                                  .test = true,
                                  .tensorboard = options->tensorboard,
                                  .on_event = on_event,
                                  .context = &now};
    fv_error error;
    cli_interrupt_catch("\nfovea: stopping after this step; once more to stop at once\n");
    cli_progress_begin(options->source.quiet);
    const fv_status status = fv_recipe_train(recipe, &how, NULL, &error);
    cli_progress_keep();
    if (status == FV_INTERRUPTED) {
        cli_say(is_taken(folder) ? "interrupted; continue with: fovea train --resume %s"
                                 : "interrupted before the first step; nothing was written to %s",
                folder);
        return CLI_INTERRUPTED;
    }
    CLI_TRY(cli_check(status, &error));
    return cli_train_end(options, recipe, folder, &now.last, &now.test);
}

// --- A run that continues

static int resume(const train_options *options, const cli_arguments *arguments) {
    const cli_source *source = &options->source;
    const char *idle = options->out         ? "--out"
                       : source->sets.count ? "--set"
                       : source->strict     ? "--strict"
                       : source->no_rewrite ? "--no-rewrite"
                       : arguments->count   ? "a recipe"
                                            : NULL;
    fv_recipe *recipe = NULL;
    if (idle) {
        return cli_usage(&cli_train, "--resume continues with the recipe and folder of the run, so %s cannot be given",
                         idle);
    }
    int code;
    char *path = cli_format("%s/recipe.yaml", options->resume);
    if (!cli_is_file(path)) {
        cli_say("%s: not a run to resume: there is no recipe.yaml in it", options->resume);
        CLI_TRY_OR_DONE(CLI_FAILED);
    }
    CLI_TRY_OR_DONE(cli_recipe_open(path, source, &recipe));
    code = train(options, recipe, options->resume);
done:
    free(path);
    fv_recipe_free(recipe);
    return code;
}

static int begin(const train_options *options, const char *name) {
    fv_recipe *recipe;
    CLI_TRY(cli_recipe_open(name, &options->source, &recipe));
    int code = CLI_FAILED;
    char *folder = options->out ? cli_copy(options->out) : default_folder(name);
    if (is_taken(folder)) {
        cli_say("%s is not empty; choose another folder with --out, or continue that run: fovea train --resume %s",
                folder, folder);
    } else {
        code = train(options, recipe, folder);
    }
    free(folder);
    fv_recipe_free(recipe);
    return code;
}

static int run(const void *given, const cli_arguments *arguments) {
    const train_options *options = given;
    if (options->resume) {
        return resume(options, arguments);
    }
    return arguments->count
               ? begin(options, arguments->items[0])
               : cli_usage(&cli_train, "train needs a recipe; `fovea help recipes` lists those that come with fovea");
}

static const cli_option options[] = {
    CLI_SOURCE_DATA(train_options, source),
    CLI_SOURCE_PATH(train_options, source),
    CLI_SOURCE_SET(train_options, source),
    CLI_SOURCE_STRICT(train_options, source),
    CLI_TEXT("out", "DIR", train_options, out, "The run folder (default: runs/RECIPE-DATE-TIME).", .letter = "o",
             .values = CLI_FOLDERS),
    CLI_TEXT("resume", "RUN", train_options, resume, "Continue in this run folder where it stopped.",
             .values = CLI_FOLDERS),
    CLI_COUNT("checkpoint-steps", "N", train_options, checkpoint_steps,
              "Also write a checkpoint every N steps of an epoch."),
    CLI_FLAG("tensorboard", train_options, tensorboard,
             "Also write RUN/tensorboard: numbers of each step and epoch, and at the end images of the weights."),
    CLI_SOURCE_NO_REWRITE(train_options, source),
    CLI_THREADS(train_options, source.threads),
    CLI_SEED(train_options, source.seed),
    CLI_FLAG("json", train_options, json,
             "Answer in JSON on standard output: a line for each epoch, with the names of history.csv, and one for the "
             "test set."),
    CLI_QUIET(train_options, source.quiet),
    CLI_END};

const cli_command cli_train = {
    .name = "train",
    .arguments = "RECIPE | --resume RUN",
    .sentence = "Train the model of a recipe",
    .details =
        "RECIPE is a built-in recipe by its name (`fovea help recipes`), or your own file by its path. The run folder "
        "gets recipe.yaml with every key written out, model.safetensors, history.csv, curves.png and curves.svg, "
        "run.json and a checkpoint.\n\n"
        "Before the first step it prints the shapes of the data, after the last the loss and accuracies on the test "
        "split. The first Ctrl-C ends the current step, writes a checkpoint and says how to continue; a second one "
        "stops at once. With --resume the run ends with the same result as if it had never stopped.",
    .examples = CLI_EXAMPLES(
        {"fovea train fashion-attention", NULL}, {"fovea train ./mine.yaml --out runs/mine --threads 2 --seed 1", NULL},
        {"fovea train mnist-mha --set train.epochs=1 --set data.limit=1000", "a quick try"},
        {"fovea train fashion-attention --set 'train.optimizer={sgd: {lr: 0.01, momentum: 0.9}}'", NULL},
        {"fovea train photos --data ./pictures", "a folder or zip of images, with one folder per class"},
        {"fovea train --resume runs/mine", NULL},
        {"fovea train mnist-mha --tensorboard", "to look at with: tensorboard --logdir runs"}),
    .options = options,
    .options_size = sizeof(train_options),
    .values = CLI_RECIPES,
    .most_arguments = 1,
    .run = run,
};
