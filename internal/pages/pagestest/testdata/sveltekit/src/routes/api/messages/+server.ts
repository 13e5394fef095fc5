import { json, type RequestHandler } from "@sveltejs/kit";

export const GET: RequestHandler = ({ platform, url }) => platform!.env.API_SERVICE.fetch(`http://api/messages${url.search}`);

export const POST: RequestHandler = async ({ request }) => {
  const form = await request.formData();
  return json({ text: form.get("text") }, { status: 201 });
};
