// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "perf/isolation/bench.hpp"

/// The experiments: each starts the appliances that it needs, one after the other, and prints its rows.
namespace bulkhead::perf {

void growth(const Ground& ground);         // X1: the same traffic in ever more slices
void equal_shares(const Ground& ground);   // X2: equal weights, equal cost
void unequal_costs(const Ground& ground);  // X3: equal weights, cost 1:2:4:8
void weights(const Ground& ground);        // X4: weights 1:2:4
void cap(const Ground& ground);            // X5: a cap on an idle box
void neighbours(const Ground& ground);     // X6: a victim among aggressors
void theft(const Ground& ground);          // X7: an aggressor that stops just before the account is made
void explosion(const Ground& ground);      // X8: headers crafted against the classifier
void second_worker(const Ground& ground);  // X9: two workers against one
void moves(const Ground& ground);          // X9: slices that move between workers
void reloads(const Ground& ground);        // X10: one slice of many changes again and again
void updates(const Ground& ground);        // X11: likewise, while clients read the metrics

// X6 and X8 beside peers, on the same load.

/// Whoever answers at the memif sockets `socket`-0, -1, ... is attacked. `queues`: that it sends to, each.
void memif_peer(Ground& ground, const std::string& who, const std::string& socket, const std::string& attack,
                uint16_t queues);
/// rte_sched under the bandwidth attack.
void sched_peer(Ground& ground);
/// The appliance's ports (memif) and slices under this attack, as TOML.
void print_attack(const std::string& attack, const std::string& socket);
/// Sends X8's crafted headers to whoever answers at the memif socket.
void explosion_peer(Ground& ground, const std::string& socket, double seconds);
/// For a peer that polices: ports, 1 where aggressors learn addresses, an aggressor's rate in kbit/s of
/// frames.
void print_policing(const std::string& attack);

}  // namespace bulkhead::perf
