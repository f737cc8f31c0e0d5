// dawk serve: runs the server.
#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/serve.hpp"

namespace dawk::cmd {

void add_serve_command(CLI::App& app) {
    auto* command = app.add_subcommand("serve", "Runs the server in the foreground");
    command->group(groups::server);
    auto allow_root = std::make_shared<bool>(false);
    command->add_flag("--allow-root", *allow_root, "Serve as root all the same");
    command->callback([allow_root] {
        if (!globals().state_dir.empty())
            fail(Exit::usage, "the server takes its state folder from the configuration");
        ServeOptions options;
        options.config = config_file();
        options.allow_root = *allow_root;
        if (int const code = run_serve(options); code != 0) fail(static_cast<Exit>(code), "");
    });
}

}  // namespace dawk::cmd
