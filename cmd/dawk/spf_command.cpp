// dawk spf: may this address send mail for this domain?
#include "cmd/dawk/auth.hpp"
#include "cmd/dawk/cli.hpp"

namespace dawk::cmd {
namespace {

void check(AuthOptions const& options, std::string const& identity) {
    if (!options.from && !options.helo)
        fail(Exit::usage, "whose right is checked? Give --from or --helo");
    auto const client = client_of(options);
    bool const helo = identity == "helo" || client.sender.empty();
    Asker asker(options);
    auto const query = query_of(client);
    auto const verdict = asker.run(helo ? spf::check_helo(query) : spf::check(query));
    auto members = members_of(verdict);
    members.emplace_back("identity", helo ? "helo" : "mailfrom");
    print_findings(std::move(members), text_of("spf", verdict), asker);
}

}  // namespace

void add_spf_command(CLI::App& app) {
    auto* command = app.add_subcommand("spf", "SPF: may an address send mail for a domain?");
    command->group(groups::authentication);
    auto* sub = command->add_subcommand("check", "Evaluates SPF and says what decided");
    auto const options = add_auth_options(*sub, Wants::sender);
    auto identity = std::make_shared<std::string>("mailfrom");
    sub->add_option("--identity", *identity, "mailfrom (that of --helo where it is empty), or helo")
        ->check(CLI::IsMember({"mailfrom", "helo"}));
    sub->callback([options, identity] { check(*options, *identity); });
}

}  // namespace dawk::cmd
