import { defineMiddleware } from "astro:middleware";

export const onRequest = defineMiddleware(async (_, next) => {
  const answer = await next();
  const response = new Response(answer.body, answer); // that of the API cannot be changed
  response.headers.set("X-Rendered-By", "astro");
  return response;
});
