// `fovea train`: a recipe becomes a run folder.
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "formats/file.h"
#include "progress.h"
#include "report.h"
#include "support/recipe.h"

typedef struct run_context {
    const fv_recipe *recipe;
    cli_progress progress;
    fv_metrics test; // no samples: there was no test set
} run_context;

static bool on_event(void *opaque, const fv_event *event) {
    run_context *context = opaque;
    const bool go_on = !cli_interrupted();
    if (event->kind == FV_EVENT_START && !context->progress.quiet) {
        cli_train_tell_start(context->recipe, event->model, event->training, event->validation);
    } else if (event->kind == FV_EVENT_TEST) {
        context->test = *event->metrics;
    }
    if (go_on || event->kind == FV_EVENT_EPOCH) { // the last words of a run are not drawn over
        cli_progress_show(&context->progress, event);
    }
    return go_on;
}

// runs/RECIPE-YYYYMMDD-HHMMSS, to be freed with fv__free.
static char *default_folder(const char *recipe) {
    const char *base = strrchr(recipe, '/') ? strrchr(recipe, '/') + 1 : recipe;
    const char *ending = strstr(base, ".yaml");
    time_t now = time(NULL);
    struct tm local;
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    return fv__format("runs/%.*s-%s", (int)(ending ? ending - base : (long)strlen(base)), base, stamp);
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

static int train(const cli_options *options, const fv_recipe *recipe, const char *folder) {
    run_context context = {
        .recipe = recipe,
        .progress = {.live = cli_is_live() && !options->quiet, .quiet = options->quiet, .json = options->json}};
    const fv_train_options train_options = {.size = sizeof train_options,
                                            .folder = folder,
                                            .resume = options->resume != NULL,
                                            .threads = options->threads,
                                            .seed = options->seed,
                                            .checkpoint_steps = options->checkpoint_steps,
                                            .no_rewrite = options->no_rewrite,
                                            .test = true,
                                            .tensorboard = options->tensorboard,
                                            .on_event = on_event,
                                            .context = &context};
    fv_model *model = NULL;
    fv_error error;
    cli_interrupt_catch("\nfovea: stopping after this step; once more to stop at once\n");
    fv_status status = fv_recipe_train(recipe, &train_options, &model, &error);
    cli_progress_end(&context.progress);
    if (status == FV_INTERRUPTED) {
        if (is_taken(folder)) {
            cli_say("interrupted; go on with: fovea train --resume %s", folder);
        } else {
            cli_say("interrupted before the first step; nothing was written to %s", folder);
        }
        return CLI_INTERRUPTED;
    }
    if (status != FV_OK) {
        return cli_fail(&error);
    }
    int code = cli_train_tell_end(options, recipe, folder, &context.progress.last, &context.test);
    fv_model_free(model);
    return code;
}

// The recipe, by its name or from the run folder that is gone on with.
static int open_recipe(const cli_options *options, fv_recipe **recipe) {
    if (!options->resume) {
        return cli_recipe_open(options->arguments[0], options, recipe);
    }
    char *path = fv__format("%s/recipe.yaml", options->resume);
    if (!path) {
        return cli_fail_memory();
    }
    int code = CLI_FAILED;
    if (fv__file_exists(path)) {
        code = cli_recipe_open(path, options, recipe);
    } else {
        cli_say("%s: no run to go on with: there is no recipe.yaml in it", options->resume);
    }
    fv__free(path);
    return code;
}

static int run(const cli_options *options) {
    if (options->resume &&
        (options->out || options->set_count || options->strict || options->no_rewrite || options->argument_count)) {
        return cli_usage(&cli_train, "--resume goes on with the recipe and folder of the run, so %s cannot be given",
                         options->out          ? "--out"
                         : options->set_count  ? "--set"
                         : options->strict     ? "--strict"
                         : options->no_rewrite ? "--no-rewrite"
                                               : "a recipe");
    }
    if (!options->resume && options->argument_count == 0) {
        return cli_usage(&cli_train, "train needs a recipe; `fovea help recipes` lists those that come with fovea");
    }
    fv_recipe *recipe = NULL;
    int code = open_recipe(options, &recipe);
    if (code != CLI_OK) {
        return code;
    }
    char *made = options->resume || options->out ? NULL : default_folder(options->arguments[0]);
    const char *folder = options->resume ? options->resume : options->out ? options->out : made;
    if (!folder) {
        code = cli_fail_memory();
    } else if (!options->resume && is_taken(folder)) {
        cli_say("%s is not empty; choose another folder with --out, or go on with that run: fovea train --resume %s",
                folder, folder);
        code = CLI_FAILED;
    } else {
        code = train(options, recipe, folder);
    }
    fv__free(made);
    fv_recipe_free(recipe);
    return code;
}

const cli_command cli_train = {
    .name = "train",
    .arguments = "RECIPE | --resume RUN  [OPTIONS]",
    .sentence = "Train the model of a recipe",
    .details =
        "RECIPE is a built-in one by its name (`fovea help recipes`) or a file of one's own by its path.\n"
        "The run folder gets recipe.yaml as resolved, model.safetensors, history.csv, curves.png and .svg, run.json "
        "and\n"
        "a checkpoint.\n"
        "Ctrl-C stops after the step under way and keeps everything; --resume goes on as if nothing had happened.\n"
        "\n"
        "  fovea train fashion-attention\n"
        "  fovea train ./mine.yaml --out runs/mine --threads 2 --seed 1\n"
        "  fovea train mnist-mha --set train.epochs=1 --set data.limit=1000     a quick try\n"
        "  fovea train fashion-attention --set 'train.optimizer={sgd: {lr: 0.01, momentum: 0.9}}'\n"
        "  fovea train photos --data ./pictures            a folder or zip of photographs, in it a folder a class\n"
        "  fovea train --resume runs/mine\n"
        "  fovea train mnist-mha --tensorboard, and beside it: tensorboard --logdir runs\n",
    .options = "data path strict out set resume checkpoint-steps no-rewrite tensorboard",
    .most_arguments = 1,
    .run = run,
};
