/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes: a vhost of libwebsockets for each generation of credentials. An older one goes with its
 * last connection, since destroying a vhost ends what uses it.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "k8s/ws_private.h"

/* A host that vanishes without a word is noticed after 15 + 3 * 5 s, as in cluster.c. */
#define WS_ROUTE_KEEPALIVE_S 15
#define WS_ROUTE_PROBES 3
#define WS_ROUTE_PROBE_S 5

struct ws_route *ws_route_find(struct ws *w, unsigned generation)
{
	list_for_each(r, &w->routes, struct ws_route, node)
		if (r->generation == generation)
			return r;
	return NULL;
}

/* What libwebsockets made of it is gone, or was never there. */
static void ws_route_free(struct ws_route *r)
{
	list_remove(&r->node);
	cluster_tls_address_done(&r->address);
	SSL_CTX_free(r->tls);
	free(r);
}

/* The last that libwebsockets does with a vhost, also at the end of its context. */
static void ws_route_finalize(struct lws_vhost *vhost, void *data)
{
	(void)vhost;
	ws_route_free(data);
}

int ws_route_new(struct ws *w, unsigned generation, SSL_CTX *tls, struct cluster_address *address,
		 struct ws_route **ret, struct error *e)
{
	struct ws_route *r = calloc(1, sizeof(*r));

	if (!r) {
		SSL_CTX_free(tls);
		cluster_tls_address_done(address);
		return error_oom(e);
	}
	list_init(&r->node);
	r->ws = w;
	r->generation = generation;
	r->tls = tls;
	r->address = *address;
	*address = (struct cluster_address){ 0 };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		.protocols = ws_protocols,
		.vhost_name = "api",
		.provided_client_ssl_ctx = tls,
		/* "": none. NULL would be $http_proxy, also for this machine itself. */
		.http_proxy_address = r->address.proxy ? r->address.proxy : "",
		.ka_time = WS_ROUTE_KEEPALIVE_S,
		.ka_probes = WS_ROUTE_PROBES,
		.ka_interval = WS_ROUTE_PROBE_S,
		.user = r,
		.finalize = ws_route_finalize,
		.finalize_arg = r,
	};
	r->vhost = lws_create_vhost(w->context, &info);
	if (!r->vhost) {
		ws_route_free(r);
		return error_oom(e);
	}
	list_push_front(&w->routes, &r->node);
	*ret = r;
	return 0;
}

void ws_route_use(struct ws_route *r)
{
	r->users++;
}

void ws_route_unuse(struct ws_route *r)
{
	if (!r || --r->users > 0 || r->ws->sweeping)
		return;
	r->ws->sweeping = true;
	ws_post(r->ws, &r->ws->sweep);
}

void ws_route_sweep(struct ws_job *job)
{
	struct ws *w = container_of(job, struct ws, sweep);

	w->sweeping = false;
	list_for_each(r, &w->routes, struct ws_route, node) {
		if (r->users > 0 || &r->node == w->routes.next)
			continue;
		list_remove(&r->node);
		lws_vhost_destroy(r->vhost);
	}
}
