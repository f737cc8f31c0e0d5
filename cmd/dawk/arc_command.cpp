// dawk arc: the chain of those who handled a message before us.
#include "cmd/dawk/auth.hpp"
#include "cmd/dawk/cli.hpp"

namespace dawk::cmd {
namespace {

void verify(AuthOptions const& options) {
    auto const message = read_message(options);
    Asker asker(options);
    dkim::Options how;
    how.now = now_of(options);
    arc::Verifier verifier(message->header, how);
    verifier.body(message->body());
    auto const verdict = asker.run(verifier.finish());
    print_findings(members_of(verdict), text_of(verdict), asker);
}

}  // namespace

void add_arc_command(CLI::App& app) {
    auto* command = app.add_subcommand("arc", "ARC: what those saw who forwarded a message");
    command->group(groups::authentication);
    auto* sub = command->add_subcommand("verify", "Validates the chain of a message");
    auto const options = add_auth_options(*sub, Wants::message);
    sub->callback([options] { verify(*options); });
}

}  // namespace dawk::cmd
